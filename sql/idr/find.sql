-- idr.find(names): where the perturbations that a name may mean can be seen.
CREATE OR REPLACE MACRO idr.find(names) AS TABLE
SELECT
    found.asked,
    found.Metadata_Perturbation,
    wells.Metadata_Symbol,
    wells.Metadata_Source,
    wells.Metadata_Batch,
    count(DISTINCT wells.Metadata_Plate) AS plates,
    count(*) AS wells
FROM idr.find_perturbations(names) AS found
INNER JOIN idr.wells AS wells USING (Metadata_Perturbation)
GROUP BY ALL
ORDER BY ALL;

COMMENT ON MACRO TABLE idr.find IS -- noqa: PRS
'Where the perturbations that a name may mean can be seen';
