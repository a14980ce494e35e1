-- cpg.perturbation_names: one row per name of a perturbation.
-- key: name, matched_by, Metadata_Perturbation, Metadata_modality
CREATE OR REPLACE TABLE cpg.perturbation_names AS
SELECT * FROM list_names(cpg.wells)
ORDER BY ALL;

COMMENT ON TABLE cpg.perturbation_names IS 'One row per name of a perturbation';
COMMENT ON COLUMN cpg.perturbation_names.name IS
'Identifiers, names and InChIKeys of the platemap';
COMMENT ON COLUMN cpg.perturbation_names.matched_by IS 'perturbation, name or InChIKey';
COMMENT ON COLUMN cpg.perturbation_names.Metadata_Perturbation IS
'Identifier of the perturbation';
COMMENT ON COLUMN cpg.perturbation_names.Metadata_modality IS
'compound, orf, crispr, any (no reagent), or NULL (unknown)';
COMMENT ON COLUMN cpg.perturbation_names.Metadata_Name IS 'Everyday name of the perturbation';
