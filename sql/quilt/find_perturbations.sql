-- quilt.find_perturbations(names, modalities): the perturbations that a name may mean.
-- key: asked, Metadata_Perturbation
-- Case does not count.
CREATE OR REPLACE MACRO quilt.find_perturbations(names, modalities := NULL) AS TABLE -- noqa: LT01
SELECT
    asked.asked,
    'name' AS matched_by,
    FALSE AS alike,
    found.Metadata_Perturbation,
    found.Metadata_modality
FROM (SELECT DISTINCT unnest(names::VARCHAR[]) AS asked) AS asked
INNER JOIN quilt.perturbation_names AS found ON lower(asked.asked) = lower(found.name)
WHERE modalities IS NULL OR list_contains(modalities::VARCHAR[], found.Metadata_modality);

COMMENT ON MACRO TABLE quilt.find_perturbations IS -- noqa: PRS
'The perturbations that a name may mean';
