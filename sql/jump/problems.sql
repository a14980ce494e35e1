-- jump.problems: one row per plate or table that could not be read, and reason.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, reason
CREATE OR REPLACE VIEW jump.problems AS
SELECT
    Metadata_Source,
    Metadata_Batch,
    Metadata_Plate,
    reason,
    NULL::BIGINT AS lines
FROM jump.load_data_files
WHERE reason IS NOT NULL
UNION ALL
SELECT
    Metadata_Source,
    Metadata_Batch,
    Metadata_Plate,
    'no lines under a header that names Metadata_Well' AS reason,
    NULL AS lines
FROM jump.load_data_files
ANTI JOIN jump.load_data_lines USING (plate_number)
WHERE reason IS NULL
UNION ALL
SELECT
    files.Metadata_Source,
    files.Metadata_Batch,
    files.Metadata_Plate,
    lines.reason,
    count(*) AS lines
FROM jump.load_data_lines AS lines
LEFT JOIN jump.load_data_files AS files ON lines.plate_number = files.plate_number
WHERE lines.reason IS NOT NULL
GROUP BY ALL
UNION ALL
SELECT
    NULL AS Metadata_Source,
    NULL AS Metadata_Batch,
    NULL AS Metadata_Plate,
    'names of compounds were not read: ' || reason AS reason,
    NULL AS lines
FROM jump.annotation_files
WHERE reason IS NOT NULL
UNION ALL
SELECT
    NULL AS Metadata_Source,
    NULL AS Metadata_Batch,
    NULL AS Metadata_Plate,
    'the list of profiles was not read: ' || profiles_unread AS reason,
    NULL AS lines
FROM jump.settings
WHERE profiles_unread IS NOT NULL;

COMMENT ON VIEW jump.problems IS
'One row per plate or table that could not be read, and reason';
COMMENT ON COLUMN jump.problems.Metadata_Source IS 'Source, NULL if no plate is named';
COMMENT ON COLUMN jump.problems.Metadata_Batch IS 'Batch, NULL if no plate is named';
COMMENT ON COLUMN jump.problems.Metadata_Plate IS 'Plate, NULL if no plate is named';
COMMENT ON COLUMN jump.problems.reason IS 'Why';
COMMENT ON COLUMN jump.problems.lines IS
'Lines of load_data that it concerns, NULL if the whole plate';
