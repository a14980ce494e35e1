-- bbbc021.explain_name(name): why a name may not be found, and what would work.
CREATE OR REPLACE MACRO bbbc021.explain_name(name) AS (
    CASE
        WHEN
            NOT EXISTS (
                SELECT 1 FROM bbbc021.compounds
                WHERE Metadata_SMILES IS NOT NULL
            )
            AND regexp_matches(name, '[=#()\[\]@+]')
            AND NOT contains(trim(name), ' ')
            THEN
                'this catalog has no SMILES, because its folder of metadata has no '
                || 'BBBC021_v1_compound.csv; name the compound'
        ELSE
            'compounds are known by their names in the published image table, and by SMILES; '
            || 'doses and mechanisms are chosen with `where`, as '
            || 'Metadata_Concentration_Micromolar = 0.3 or Metadata_MoA = ''Eg5 inhibitors'''
    END
);

COMMENT ON MACRO bbbc021.explain_name IS -- noqa: PRS
'Why a name may not be found, and what would work';
