-- jump_lite.perturbation_names: one row per name of a perturbation.
-- key: Metadata_JCP2022, name
-- The release names no compounds: their names are in a catalog of JUMP.
CREATE OR REPLACE TABLE jump_lite.perturbation_names AS
WITH names AS (
    SELECT
        Metadata_JCP2022,
        Metadata_modality,
        unnest([Metadata_JCP2022, Metadata_Symbol, Metadata_broad_sample]) AS name
    FROM jump_lite.wells
)

SELECT DISTINCT
    Metadata_JCP2022,
    Metadata_modality,
    name
FROM names
WHERE name IS NOT NULL AND Metadata_JCP2022 IS NOT NULL;

COMMENT ON TABLE jump_lite.perturbation_names IS 'One row per name of a perturbation';
COMMENT ON COLUMN jump_lite.perturbation_names.name IS
'JCP2022 identifiers, gene symbols and Broad samples; the release names no compounds, '
'and DMSO is JCP2022_033924';
