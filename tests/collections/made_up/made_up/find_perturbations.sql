-- made_up.find_perturbations(names, modalities): the compounds that a name may mean.
CREATE OR REPLACE MACRO made_up.find_perturbations(names, modalities := NULL) AS TABLE
SELECT
    asked.asked,
    'name' AS matched_by,
    FALSE AS alike,
    found.Metadata_Compound
FROM (SELECT unnest(names::VARCHAR[]) AS asked) AS asked
INNER JOIN made_up.perturbation_names AS found ON lower(asked.asked) = lower(found.name)
WHERE modalities IS NULL OR list_contains(modalities::VARCHAR[], found.Metadata_modality);
