-- main.list_problems(images, ...): what could not be read or is doubtful.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, reason
-- The arguments are a collection's relations; notes has what was found before the SQL ran.
CREATE OR REPLACE MACRO main.list_problems(images, plates, wells, sites, channels, notes) AS TABLE
SELECT
    Metadata_Source,
    Metadata_Batch,
    Metadata_Plate,
    reason,
    lines
FROM query_table(notes)
UNION ALL
SELECT
    Metadata_Source,
    Metadata_Batch,
    Metadata_Plate,
    reason,
    count(*) AS lines
FROM query_table(images)
WHERE reason IS NOT NULL
GROUP BY ALL
UNION ALL
SELECT
    Metadata_Source,
    Metadata_Batch,
    Metadata_Plate,
    reason,
    count(*) AS lines
FROM query_table(wells)
WHERE reason IS NOT NULL
GROUP BY ALL
UNION ALL
SELECT
    Metadata_Source,
    Metadata_Batch,
    Metadata_Plate,
    reason,
    NULL AS lines
FROM query_table(plates)
WHERE reason IS NOT NULL
UNION ALL
SELECT
    Metadata_Source,
    Metadata_Batch,
    Metadata_Plate,
    'wells that no platemap describes' AS reason,
    count(DISTINCT Metadata_Well) AS lines
FROM query_table(sites)
ANTI JOIN query_table(wells) USING (Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well)
WHERE (SELECT count(*) FROM query_table(wells)) > 0
GROUP BY ALL
UNION ALL
SELECT
    NULL AS Metadata_Source,
    NULL AS Metadata_Batch,
    NULL AS Metadata_Plate,
    'channels whose stain is not known, kept as they are named: '
    || string_agg(Metadata_Channel, ', ' ORDER BY position) AS reason,
    NULL AS lines
FROM query_table(channels)
WHERE NOT is_known
HAVING count(*) > 0;

COMMENT ON MACRO TABLE main.list_problems IS -- noqa: PRS
'What could not be read or is doubtful';
