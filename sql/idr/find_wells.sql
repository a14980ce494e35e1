-- idr.find_wells(names): the wells of the perturbations that a name may mean.
CREATE OR REPLACE MACRO idr.find_wells(names) AS TABLE
SELECT
    found.asked,
    wells.Metadata_Source,
    wells.Metadata_Batch,
    wells.Metadata_Plate,
    wells.Metadata_Well,
    wells.Metadata_pert_type,
    wells.Metadata_modality,
    wells.Metadata_Dose,
    wells.Metadata_Dose_Unit
FROM idr.find_perturbations(names) AS found
INNER JOIN idr.wells AS wells USING (Metadata_Perturbation)
ORDER BY ALL;

COMMENT ON MACRO TABLE idr.find_wells IS -- noqa: PRS
'The wells of the perturbations that a name may mean';
