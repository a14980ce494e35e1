-- main.find_named(names, modalities, perturbation_names): the perturbations that a name may mean.
-- key: asked, Metadata_Perturbation
-- perturbation_names is a collection's relation. Case does not matter; modalities NULL means all.
CREATE OR REPLACE MACRO main.find_named(names, modalities, perturbation_names) AS TABLE
SELECT
    asked.asked,
    min(found.matched_by) AS matched_by,
    FALSE AS alike,
    found.Metadata_Perturbation,
    any_value(found.Metadata_Name) AS Metadata_Name,
    any_value(found.Metadata_modality) AS Metadata_modality
FROM (SELECT DISTINCT unnest(names::VARCHAR[]) AS asked) AS asked
INNER JOIN query_table(perturbation_names) AS found ON lower(trim(asked.asked)) = lower(found.name)
WHERE modalities IS NULL OR list_contains(modalities::VARCHAR[], found.Metadata_modality)
GROUP BY asked.asked, found.Metadata_Perturbation;

COMMENT ON MACRO TABLE main.find_named IS -- noqa: PRS
'The perturbations that a name may mean';
