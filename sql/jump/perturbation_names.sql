-- jump.perturbation_names: one row per name of a perturbation, SMILES aside.
-- key: name, matched_by, Metadata_JCP2022
-- The tables of overexpressions and knock-outs took their gene symbols at different times, so that
-- 90 genes have two (SEPT7, SEPTIN7). Therefore every symbol of an NCBI gene is a name of all its
-- perturbations. A control without an NCBI gene (non-targeting, LacZ) has a name and no symbol.
CREATE OR REPLACE VIEW jump.perturbation_names AS
WITH genes AS (
    SELECT
        * REPLACE (
            if(
                Metadata_pert_type IN ('negcon', 'poscon')
                AND NOT coalesce(regexp_full_match(Metadata_NCBI_Gene_ID, '[0-9]+'), FALSE),
                NULL,
                Metadata_Symbol
            ) AS Metadata_Symbol
        )
    FROM jump.perturbations
),

names AS (
    SELECT
        Metadata_JCP2022,
        Metadata_modality,
        unnest(['JCP2022', 'gene symbol', 'NCBI gene', 'InChIKey', 'name']) AS matched_by,
        unnest([
            Metadata_JCP2022, Metadata_Symbol, Metadata_NCBI_Gene_ID, Metadata_InChIKey,
            if(Metadata_Name = Metadata_Symbol, NULL, Metadata_Name)
        ]) AS name
    FROM genes
    UNION
    SELECT
        genes.Metadata_JCP2022,
        genes.Metadata_modality,
        'gene symbol' AS matched_by,
        others.Metadata_Symbol AS name
    FROM genes
    INNER JOIN genes AS others USING (Metadata_NCBI_Gene_ID)
    UNION
    SELECT
        genes.Metadata_JCP2022,
        genes.Metadata_modality,
        'alias' AS matched_by,
        unnest(gene_info.aliases) AS name
    FROM genes
    INNER JOIN jump.gene_info AS gene_info USING (Metadata_NCBI_Gene_ID)
    UNION
    SELECT
        Metadata_JCP2022,
        'compound' AS Metadata_modality,
        'name in ' || origin AS matched_by,
        Metadata_pert_iname AS name
    FROM jump.annotations
)

SELECT
    name,
    matched_by,
    Metadata_JCP2022,
    Metadata_modality
FROM names
WHERE name IS NOT NULL;

COMMENT ON VIEW jump.perturbation_names IS
'One row per name of a perturbation, SMILES aside';
COMMENT ON COLUMN jump.perturbation_names.name IS
'Genes: symbol, NCBI number, or alias where the catalog was made with a file of NCBI; compounds: '
'InChIKey, or the name in JUMP-Target or JUMP-MOA; controls: everyday name; all: JCP2022 '
'identifier';
COMMENT ON COLUMN jump.perturbation_names.matched_by IS
'JCP2022, gene symbol, NCBI gene, alias, InChIKey, name (of a control), or name in a set of '
'compounds';
COMMENT ON COLUMN jump.perturbation_names.Metadata_JCP2022 IS 'Identifier of the perturbation';
COMMENT ON COLUMN jump.perturbation_names.Metadata_modality IS
'compound, orf, crispr, any (no reagent), or NULL (unknown)';
