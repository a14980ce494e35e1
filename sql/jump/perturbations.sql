-- jump.perturbations: one row per compound, overexpression or knock-out.
-- key: Metadata_JCP2022
CREATE OR REPLACE VIEW jump.perturbations AS
WITH published AS (
    SELECT
        Metadata_JCP2022,
        'compound' AS Metadata_modality,
        Metadata_InChIKey,
        Metadata_SMILES,
        NULL::VARCHAR AS Metadata_Symbol,
        NULL::VARCHAR AS Metadata_NCBI_Gene_ID
    FROM jump.compounds
    UNION ALL
    SELECT
        Metadata_JCP2022,
        'orf' AS Metadata_modality,
        NULL AS Metadata_InChIKey,
        NULL AS Metadata_SMILES,
        Metadata_Symbol,
        Metadata_NCBI_Gene_ID
    FROM jump.orfs
    UNION ALL
    SELECT
        Metadata_JCP2022,
        'crispr' AS Metadata_modality,
        NULL AS Metadata_InChIKey,
        NULL AS Metadata_SMILES,
        Metadata_Symbol,
        Metadata_NCBI_Gene_ID
    FROM jump.crisprs
)

SELECT
    published.Metadata_JCP2022,
    published.Metadata_modality,
    coalesce(jump.controls.Metadata_pert_type, 'trt') AS Metadata_pert_type,
    coalesce(jump.controls.Metadata_Name, published.Metadata_Symbol) AS Metadata_Name,
    published.Metadata_InChIKey,
    published.Metadata_SMILES,
    published.Metadata_Symbol,
    published.Metadata_NCBI_Gene_ID
FROM published
LEFT JOIN jump.controls ON published.Metadata_JCP2022 = jump.controls.Metadata_JCP2022;

COMMENT ON VIEW jump.perturbations IS
'One row per compound, overexpression or knock-out';
COMMENT ON COLUMN jump.perturbations.Metadata_JCP2022 IS 'Identifier of the perturbation';
COMMENT ON COLUMN jump.perturbations.Metadata_modality IS 'compound, orf or crispr';
COMMENT ON COLUMN jump.perturbations.Metadata_pert_type IS
'Role: trt, or what jump.controls says';
COMMENT ON COLUMN jump.perturbations.Metadata_Name IS
'Everyday name of a control, else the gene symbol';
COMMENT ON COLUMN jump.perturbations.Metadata_InChIKey IS
'InChIKey as published; most carry no stereochemistry';
COMMENT ON COLUMN jump.perturbations.Metadata_SMILES IS 'SMILES as published';
COMMENT ON COLUMN jump.perturbations.Metadata_Symbol IS 'Gene symbol';
COMMENT ON COLUMN jump.perturbations.Metadata_NCBI_Gene_ID IS
'NCBI gene number; a word for controls';
