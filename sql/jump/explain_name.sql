-- jump.explain_name(name): why a name may not be found, and what would work.
-- By what the name looks like: each kind of name has its own table, and its own way out.
CREATE OR REPLACE MACRO jump.explain_name(name) AS (
    CASE
        WHEN regexp_full_match(upper(trim(name)), 'JCP2022_\w+')
            THEN 'no published table has this identifier'
        WHEN regexp_full_match(trim(name), '[0-9]+')
            THEN
                'no gene that was knocked out or overexpressed has this NCBI number; PubChem''s '
                || 'numbers are not known, an InChIKey is'
        WHEN regexp_full_match(upper(trim(name)), '[A-Z]{14}(-[A-Z]{10}(-[A-Z])?)?')
            THEN
                'no compound has this InChIKey, nor one with the same first 14 letters; a salt or '
                || 'a tautomer has another one: try its SMILES, or the key of the neutral form'
        WHEN regexp_matches(name, '[=#()\[\]@+]') AND NOT contains(trim(name), ' ')
            THEN
                'no compound has this SMILES; a salt or a tautomer has another one: try its '
                || 'InChIKey, of which the first 14 letters suffice'
        ELSE
            'genes are known by symbol and NCBI number'
            || if(
                (SELECT count(*) FROM jump.gene_info) = 0,
                ', and by alias with a file of NCBI: `jumpduck catalog --aliases FILE`',
                ' and by the aliases of NCBI'
            )
            || '; of compounds only controls'
            || coalesce((
                SELECT ' and those of ' || string_agg(origin, ', ' ORDER BY position)
                FROM jump.annotation_files
                WHERE path IS NOT NULL
            ), '')
            || ' have names: PubChem has the InChIKey or SMILES of others'
    END
);

COMMENT ON MACRO jump.explain_name IS -- noqa: PRS
'Why a name may not be found, and what would work';
