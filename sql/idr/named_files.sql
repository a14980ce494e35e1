-- idr.named_files: one row per field of a well that the file of its plate names.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, field, if reason is NULL
-- The file has a block a well with its row and column from 0, the names of its channels, and a line
-- a field: one path, in which <a,b,c> stands for the files of the channels in their order. Of a
-- field that is named twice the first is used, but none if the two have other files, because
-- nothing says which is right.
-- noqa: disable=AL04,AL10,ST05
CREATE OR REPLACE TABLE idr.named_files AS
WITH blocks AS (
    SELECT
        studies.screen,
        plates.Metadata_Source,
        plates.Metadata_Batch,
        plates.Metadata_Plate,
        texts.name,
        unnest(string_split(replace(texts.text, chr(13), ''), chr(10) || '[Well ')[2:]) AS block
    FROM read_parquet(getvariable('idr_texts')) AS texts
    INNER JOIN idr.studies AS studies ON texts.screen = studies.screen
    INNER JOIN idr.plates AS plates
        ON
            studies.Metadata_Source = plates.Metadata_Source
            AND studies.Metadata_Batch = plates.Metadata_Batch
            AND texts.name = plates.screen_name
    WHERE texts.kind = 'screen' AND studies.layout = 'screen'
),

lines AS (
    SELECT
        * EXCLUDE (block),
        try_cast(regexp_extract(block, '\nRow *= *([0-9]+)', 1) AS INTEGER) AS well_row,
        try_cast(regexp_extract(block, '\nColumn *= *([0-9]+)', 1) AS INTEGER) AS well_column,
        regexp_extract(block, '\nAxisTypes *= *(\S*)', 1) AS axes,
        string_split_regex(regexp_extract(block, '\nChannelNames *= *([^\n]*)', 1), ' *, *')
            AS channels,
        unnest(regexp_extract_all(block, '\nField_([0-9]+) *= *[^\n]+', 1)) AS field,
        trim(unnest(regexp_extract_all(block, '\nField_[0-9]+ *= *([^\n]+)', 1))) AS path
    FROM blocks
),

parts AS (
    SELECT
        * EXCLUDE (path),
        regexp_extract(path, '^/(?:uod/)?idr/filesets/(.*)$', 1) AS path,
        regexp_extract(
            path, '^/(?:uod/)?idr/filesets/([^<>]*)<([^<>]*)>([^<>]*)$', ['start', 'parts', 'end']
        ) AS pattern
    FROM lines
)

SELECT
    parts.Metadata_Source,
    parts.Metadata_Batch,
    parts.Metadata_Plate,
    CASE WHEN parts.well_row > 25 THEN 'A' ELSE '' END
    || chr(65 + parts.well_row % 26) || lpad((parts.well_column + 1)::VARCHAR, 2, '0')
        AS Metadata_Well,
    parts.field[:4]::INTEGER + 1 AS field,
    parts.channels,
    CASE
        WHEN parts.pattern.parts <> ''
            THEN list_transform(
                string_split(parts.pattern.parts, ','),
                LAMBDA part: parts.pattern.start || part || parts.pattern.end
            )
        ELSE [parts.path]
    END AS paths,
    CASE
        WHEN coalesce(parts.well_row, 99) > 51 OR coalesce(parts.well_column, 99) > 98
            THEN 'a well without row or column'
        WHEN length(parts.field) > 4
            THEN 'a field whose number has more than 4 digits'
        WHEN NOT starts_with(parts.path, studies.folder || '/')
            THEN 'a path that is not of the study'
        WHEN regexp_matches(parts.path, '(^|[/<,])\.{0,2}(/|$)|[\x00-\x1F\\]')
            THEN 'a path with an odd part'
        WHEN parts.axes NOT IN ('', 'C')
            THEN 'files along the axis ' || parts.axes || ', which are not read'
        WHEN len(paths) <> len(parts.channels)
            THEN 'not as many files as channels'
        WHEN len(list_distinct(parts.channels)) <> len(parts.channels)
            THEN 'channels without names of their own'
        WHEN NOT regexp_full_match(array_to_string(parts.channels, chr(9)), '(\w[\w.+-]*\t?)+')
            THEN 'a channel whose name cannot be that of a file'
    END AS reason
FROM parts
INNER JOIN idr.studies AS studies USING (screen);

UPDATE idr.named_files AS named
SET
    reason = CASE
        WHEN NOT doubled.is_same THEN 'a field that is named twice, with other files'
        WHEN named.rowid > doubled.first_row THEN 'a field that is named twice'
    END
FROM (
    SELECT
        Metadata_Source,
        Metadata_Batch,
        Metadata_Plate,
        Metadata_Well,
        field,
        min(rowid) AS first_row,
        min(channels) = max(channels) AND min(paths) = max(paths) AS is_same
    FROM idr.named_files
    SEMI JOIN (
        SELECT
            Metadata_Source,
            Metadata_Batch,
            Metadata_Plate,
            Metadata_Well,
            field
        FROM idr.named_files
        WHERE reason IS NULL
        GROUP BY ALL
        HAVING count(*) > 1
    ) USING (Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, field)
    WHERE reason IS NULL
    GROUP BY ALL
) AS doubled
WHERE
    named.Metadata_Source = doubled.Metadata_Source
    AND named.Metadata_Batch = doubled.Metadata_Batch
    AND named.Metadata_Plate = doubled.Metadata_Plate
    AND named.Metadata_Well = doubled.Metadata_Well
    AND named.field = doubled.field
    AND named.reason IS NULL;

COMMENT ON TABLE idr.named_files IS
'One row per field of a well that the file of its plate names';
COMMENT ON COLUMN idr.named_files.field IS 'Number of the field, from 1';
COMMENT ON COLUMN idr.named_files.channels IS 'Names of its channels';
COMMENT ON COLUMN idr.named_files.paths IS 'File of each channel, below the root of the files';
COMMENT ON COLUMN idr.named_files.reason IS 'Why the line is not used, NULL if it is';
