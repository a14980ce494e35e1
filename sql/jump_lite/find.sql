-- jump_lite.find(names): where the perturbations that a name may mean can be seen.
CREATE OR REPLACE MACRO jump_lite.find(names) AS TABLE
SELECT
    found.asked,
    found.Metadata_JCP2022,
    wells.Metadata_Symbol,
    wells.Metadata_Source,
    wells.Metadata_Batch,
    count(DISTINCT wells.Metadata_Plate) AS plates,
    count(*) AS wells
FROM jump_lite.find_perturbations(names) AS found
INNER JOIN jump_lite.wells AS wells USING (Metadata_JCP2022)
GROUP BY ALL
ORDER BY ALL;

COMMENT ON MACRO TABLE jump_lite.find IS -- noqa: PRS
'Where the perturbations that a name may mean can be seen';
