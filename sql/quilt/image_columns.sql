-- quilt.image_columns: one row per column of the package's table that names images.
-- key: image_column
-- Those that the named package has; else those of whose values in the first 1,000 rows one is the
-- path of an image in the package.
CREATE OR REPLACE TABLE quilt.image_columns AS
WITH images AS (
    SELECT logical_key FROM quilt_entries
    WHERE is_image
),

looked_at AS (
    UNPIVOT (
        SELECT COLUMNS(LAMBDA name: starts_with(name, 'Metadata_'))
        FROM quilt_own_rows
        WHERE own_row < 1000
    )
    ON COLUMNS(*) INTO NAME image_column VALUE logical_key
)

SELECT
    image_column,
    regexp_replace(image_column, '^Metadata_|(_read)?_path$', '', 'g') AS channel,
    CASE
        WHEN regexp_matches(image_column, '(?i)bright') THEN 'brightfield'
        WHEN regexp_matches(image_column, '(?i)seg|mask') THEN 'other'
        ELSE 'stain'
    END AS kind
FROM looked_at
SEMI JOIN images USING (logical_key)
WHERE
    getvariable('quilt_pages') IS NULL
    OR image_column IN (SELECT unnest(getvariable('quilt_pages')).image_column)
GROUP BY image_column;

SET VARIABLE quilt_image_columns = (
    SELECT coalesce(list(image_column ORDER BY image_column), [])
    FROM quilt.image_columns
);

COMMENT ON TABLE quilt.image_columns IS
'One row per column of the package''s table that names images';
COMMENT ON COLUMN quilt.image_columns.image_column IS
'Name of the column, with Metadata_ before it';
COMMENT ON COLUMN quilt.image_columns.channel IS
'Channel of its images, if nothing else says one';
COMMENT ON COLUMN quilt.image_columns.kind IS
'stain, brightfield or other, such as a segmentation';
