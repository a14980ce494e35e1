-- quilt.find_wells(names): the wells of the perturbations that a name may mean.
-- key: asked, Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well
CREATE OR REPLACE MACRO quilt.find_wells(names) AS TABLE -- noqa: LT01
SELECT
    found.asked,
    sites.Metadata_Source,
    sites.Metadata_Batch,
    sites.Metadata_Plate,
    sites.Metadata_Well,
    sites.Metadata_pert_type,
    sites.Metadata_modality,
    count(*) AS sites,
    found.Metadata_Perturbation
FROM quilt.find_perturbations(names) AS found
INNER JOIN quilt.sites AS sites USING (Metadata_Perturbation)
GROUP BY ALL
ORDER BY ALL;

COMMENT ON MACRO TABLE quilt.find_wells IS -- noqa: PRS
'The wells of the perturbations that a name may mean';
