-- idr.perturbation_names: one row per name of a perturbation.
CREATE OR REPLACE TABLE idr.perturbation_names AS
WITH names AS (
    SELECT
        Metadata_Perturbation,
        Metadata_modality,
        unnest([
            Metadata_Perturbation, Metadata_Compound, Metadata_siRNA, Metadata_Gene_Identifier,
            Metadata_Symbol, Metadata_Gene_Target
        ]) AS name
    FROM idr.wells
    WHERE Metadata_Perturbation IS NOT NULL
)

SELECT DISTINCT
    Metadata_Perturbation,
    Metadata_modality,
    name
FROM names
WHERE name IS NOT NULL;

COMMENT ON TABLE idr.perturbation_names IS 'One row per name of a perturbation';
COMMENT ON COLUMN idr.perturbation_names.name IS
'Compounds, siRNAs and genes, as the annotation of their study writes them';
