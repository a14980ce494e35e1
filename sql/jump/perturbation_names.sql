-- jump.perturbation_names: one row per name of a perturbation, SMILES aside.
-- key: name, matched_by, Metadata_JCP2022
CREATE OR REPLACE VIEW jump.perturbation_names AS
WITH known AS (
    SELECT * FROM jump.perturbations
    UNION ALL BY NAME
    SELECT * FROM jump.controls
    ANTI JOIN jump.perturbations USING (Metadata_JCP2022)
),

names AS (
    SELECT
        Metadata_JCP2022,
        Metadata_modality,
        unnest(['JCP2022', 'name', 'gene symbol', 'NCBI gene', 'InChIKey']) AS matched_by,
        unnest([
            Metadata_JCP2022, Metadata_Name, Metadata_Symbol,
            Metadata_NCBI_Gene_ID, Metadata_InChIKey
        ]) AS name
    FROM known
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
COMMENT ON COLUMN jump.perturbation_names.name IS 'Name, as published';
COMMENT ON COLUMN jump.perturbation_names.matched_by IS
'JCP2022, name, gene symbol, NCBI gene or InChIKey';
COMMENT ON COLUMN jump.perturbation_names.Metadata_JCP2022 IS 'Identifier of the perturbation';
COMMENT ON COLUMN jump.perturbation_names.Metadata_modality IS 'compound, orf, crispr or any';
