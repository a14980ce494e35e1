-- quilt.named_images: one row per file that a row of the table names, and why it cannot be used.
-- key: own_row, image_column
-- It holds while the catalog is built. own_row is the place of the row in the table. channel is
-- what the package says of the file, then the end of its name, then the name of the column; where
-- the pages of the file are known, quilt.pages has the channels instead.
CREATE OR REPLACE TEMP VIEW quilt_named_images AS
WITH named AS (
    UNPIVOT (
        SELECT
            own_row,
            COLUMNS(LAMBDA name: list_contains(getvariable('quilt_image_columns'), name))
        FROM quilt_own_rows
    )
    ON COLUMNS(LAMBDA name: list_contains(getvariable('quilt_image_columns'), name))
    INTO NAME image_column VALUE logical_key
),

entries AS (
    SELECT * FROM quilt_entries
    WHERE is_image
),

found AS (
    SELECT
        named.own_row,
        named.image_column,
        named.logical_key,
        entries.url,
        entries.size,
        coalesce(
            entries.channel,
            CASE
                WHEN len(getvariable('quilt_image_columns')) = 1
                    THEN nullif(regexp_extract(
                        named.logical_key,
                        '(?i)[_-]((ch|c|w)\d+)(\.ome)?\.(tiff?|png)$',
                        1
                    ), '')
            END,
            columns.channel
        ) AS channel,
        CASE
            WHEN entries.logical_key IS NULL THEN 'the package has no such image'
            WHEN entries.reason IS NOT NULL THEN entries.reason
            WHEN NOT regexp_full_match(entries.channel, '[A-Za-z0-9][A-Za-z0-9 _+.-]{0,63}')
                THEN 'its channel is not a name of at most 64 letters, digits, blanks and _ + . -'
        END AS reason
    FROM named
    INNER JOIN quilt.image_columns AS columns ON named.image_column = columns.image_column
    LEFT JOIN entries
        ON named.logical_key = entries.logical_key
    WHERE named.logical_key <> ''
)

SELECT
    own_row,
    image_column,
    url,
    size,
    channel,
    reason,
    CASE WHEN reason IS NOT NULL THEN logical_key END AS logical_key
FROM found;
