-- own.perturbation_names: one row per name of a perturbation.
-- key: name, matched_by, Metadata_Perturbation, Metadata_modality
CREATE OR REPLACE TABLE own.perturbation_names AS
SELECT * FROM list_names(own.wells)
ORDER BY ALL;

COMMENT ON TABLE own.perturbation_names IS 'One row per name of a perturbation';
COMMENT ON COLUMN own.perturbation_names.name IS
'Identifiers, names and InChIKeys of the platemap';
COMMENT ON COLUMN own.perturbation_names.matched_by IS 'perturbation, name or InChIKey';
COMMENT ON COLUMN own.perturbation_names.Metadata_Perturbation IS
'Identifier of the perturbation';
COMMENT ON COLUMN own.perturbation_names.Metadata_modality IS
'compound, orf, crispr, any (no reagent), or NULL (unknown)';
COMMENT ON COLUMN own.perturbation_names.Metadata_Name IS 'Everyday name of the perturbation';
