-- jump.find_wells(names): the wells of the perturbations that a name may mean.
-- key: asked, Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well
-- Wells are those published; sites those of the load_data in this catalog. A plate that was imaged
-- in two batches has its wells once for each.
CREATE OR REPLACE MACRO jump.find_wells(names) AS TABLE -- noqa: LT01
WITH found AS (
    SELECT * FROM jump.find_perturbations(names)
),

seen AS (
    SELECT
        Metadata_Source,
        Metadata_Batch,
        Metadata_Plate,
        Metadata_Well,
        count(*) AS sites
    FROM jump.sites
    SEMI JOIN found USING (Metadata_JCP2022)
    GROUP BY ALL
)

SELECT
    found.asked,
    wells.Metadata_Source,
    plates.Metadata_Batch,
    wells.Metadata_Plate,
    wells.Metadata_Well,
    found.Metadata_pert_type,
    found.Metadata_modality,
    plates.Metadata_PlateType,
    coalesce(seen.sites, 0) AS sites,
    found.Metadata_JCP2022,
    found.matched_by
FROM found
INNER JOIN jump.wells AS wells ON found.Metadata_JCP2022 = wells.Metadata_JCP2022
LEFT JOIN jump.plates AS plates
    ON
        wells.Metadata_Source = plates.Metadata_Source
        AND wells.Metadata_Plate = plates.Metadata_Plate
LEFT JOIN seen
    ON
        wells.Metadata_Source = seen.Metadata_Source
        AND plates.Metadata_Batch = seen.Metadata_Batch
        AND wells.Metadata_Plate = seen.Metadata_Plate
        AND wells.Metadata_Well = seen.Metadata_Well
ORDER BY ALL;

COMMENT ON MACRO TABLE jump.find_wells IS -- noqa: PRS
'The wells of the perturbations that a name may mean';
