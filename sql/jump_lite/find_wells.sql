-- jump_lite.find_wells(names): the wells of the perturbations that a name may mean.
CREATE OR REPLACE MACRO jump_lite.find_wells(names) AS TABLE
SELECT
    found.asked,
    wells.Metadata_Source,
    wells.Metadata_Batch,
    wells.Metadata_Plate,
    wells.Metadata_Well,
    wells.Metadata_pert_type,
    wells.Metadata_modality,
    wells.Metadata_Symbol,
    wells.Metadata_JCP2022
FROM jump_lite.find_perturbations(names) AS found
INNER JOIN jump_lite.wells AS wells USING (Metadata_JCP2022)
ORDER BY ALL;

COMMENT ON MACRO TABLE jump_lite.find_wells IS -- noqa: PRS
'The wells of the perturbations that a name may mean';
