-- bbbc021.perturbation_names: one row per name of a compound, SMILES aside.
-- key: name
CREATE OR REPLACE VIEW bbbc021.perturbation_names AS
SELECT
    Metadata_Compound AS name,
    'name' AS matched_by,
    Metadata_Compound,
    'compound' AS Metadata_modality
FROM bbbc021.compounds;

COMMENT ON VIEW bbbc021.perturbation_names IS 'One row per name of a compound, SMILES aside';
COMMENT ON COLUMN bbbc021.perturbation_names.name IS 'Names of compounds as published';
COMMENT ON COLUMN bbbc021.perturbation_names.matched_by IS 'name';
COMMENT ON COLUMN bbbc021.perturbation_names.Metadata_Compound IS 'Name as published';
COMMENT ON COLUMN bbbc021.perturbation_names.Metadata_modality IS 'compound for all';
