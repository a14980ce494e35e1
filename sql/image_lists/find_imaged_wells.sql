-- main.find_imaged_wells(names, perturbation_names, sites): the wells of a perturbation.
-- key: asked, Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well
-- The arguments are a collection's relations.
CREATE OR REPLACE MACRO main.find_imaged_wells(names, perturbation_names, sites) AS TABLE
SELECT
    found.asked,
    seen.Metadata_Source,
    seen.Metadata_Batch,
    seen.Metadata_Plate,
    seen.Metadata_Well,
    seen.Metadata_pert_type,
    seen.Metadata_modality,
    seen.Metadata_PlateType,
    count(*) AS sites,
    found.Metadata_Perturbation,
    found.matched_by
FROM find_named(names, NULL, perturbation_names) AS found
INNER JOIN query_table(sites) AS seen USING (Metadata_Perturbation)
GROUP BY ALL
ORDER BY ALL;

COMMENT ON MACRO TABLE main.find_imaged_wells IS -- noqa: PRS
'The wells of a perturbation';
