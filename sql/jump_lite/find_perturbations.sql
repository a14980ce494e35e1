-- jump_lite.find_perturbations(names, modalities): the perturbations that a name may mean.
CREATE OR REPLACE MACRO jump_lite.find_perturbations(names, modalities := NULL) AS TABLE
SELECT DISTINCT
    asked.asked,
    'name' AS matched_by,
    FALSE AS alike,
    found.Metadata_JCP2022
FROM (SELECT unnest(names::VARCHAR[]) AS asked) AS asked
INNER JOIN jump_lite.perturbation_names AS found ON lower(asked.asked) = lower(found.name)
WHERE modalities IS NULL OR list_contains(modalities::VARCHAR[], found.Metadata_modality);

COMMENT ON MACRO TABLE jump_lite.find_perturbations IS -- noqa: PRS
'The perturbations that a name may mean';
