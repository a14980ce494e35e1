-- quilt.perturbation_names: one row per name of a perturbation.
-- key: name
CREATE OR REPLACE VIEW quilt.perturbation_names AS
SELECT
    Metadata_Perturbation,
    Metadata_Perturbation AS name,
    any_value(Metadata_modality) AS Metadata_modality
FROM quilt.sites
WHERE Metadata_Perturbation IS NOT NULL
GROUP BY Metadata_Perturbation;

COMMENT ON VIEW quilt.perturbation_names IS 'One row per name of a perturbation';
COMMENT ON COLUMN quilt.perturbation_names.Metadata_Perturbation IS 'The perturbation';
COMMENT ON COLUMN quilt.perturbation_names.name IS
'Labels of cells in the package, such as gene symbols';
COMMENT ON COLUMN quilt.perturbation_names.Metadata_modality IS 'What it names';
