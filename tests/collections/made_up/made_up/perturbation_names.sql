-- made_up.perturbation_names: one row per name of a compound.
CREATE OR REPLACE VIEW made_up.perturbation_names AS
SELECT
    Metadata_Compound,
    unnest([Metadata_Compound, Metadata_Name]) AS name,
    'compound' AS Metadata_modality
FROM made_up.compounds;
