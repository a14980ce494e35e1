-- quilt.named_rows: one row per image of a package without a table: its plate and well by its name.
-- key: Metadata_image
-- The folders are the plate. The name of the file is the well, without its ending and without what
-- says the channel, so that the channels of a place come together.
CREATE OR REPLACE TEMP VIEW quilt_named_rows AS
SELECT
    nullif(replace(regexp_extract(logical_key, '^(.*)/[^/]*$', 1), '/', '_'), '') AS plate,
    regexp_replace(
        regexp_extract(logical_key, '([^/]*)$', 1),
        '(?i)([_-](ch|c|w)\d+)?(\.ome)?\.(tiff?|png)$',
        ''
    ) AS well,
    '1' AS site,
    NULL::VARCHAR AS label,
    logical_key AS Metadata_image
FROM quilt_entries
WHERE is_image;
