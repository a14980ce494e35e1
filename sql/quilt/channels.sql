-- quilt.channels: one row per channel.
-- key: Metadata_Channel
-- A package says no colours, therefore they are given in turn, in the order of the channels.
CREATE OR REPLACE TABLE quilt.channels (
    Metadata_Channel VARCHAR PRIMARY KEY,
    kind VARCHAR NOT NULL CHECK (kind IN ('stain', 'brightfield', 'other')),
    position INTEGER NOT NULL UNIQUE,
    colour VARCHAR NOT NULL,
    emission_nm DOUBLE,
    marks VARCHAR CHECK (marks IN ('nuclei', 'cells'))
);

INSERT INTO quilt.channels
WITH seen AS (
    SELECT DISTINCT
        images.image_column,
        images.channel
    FROM quilt_images AS images
    WHERE images.reason IS NULL
),

named AS (
    SELECT
        coalesce(pages.Metadata_Channel, seen.channel) AS Metadata_Channel,
        min(coalesce(pages.kind, columns.kind)) AS kind,
        min(pages.position) AS page_position
    FROM seen
    INNER JOIN quilt.image_columns AS columns USING (image_column)
    LEFT JOIN quilt.pages AS pages USING (image_column)
    GROUP BY ALL
)

SELECT
    Metadata_Channel,
    named.kind,
    row_number() OVER (ORDER BY page_position NULLS LAST, Metadata_Channel) AS position,
    [
        '#4040FF', '#FF4040', '#40FF40', '#FFC040', '#FF40FF', '#40FFFF'
    ][1 + (row_number() OVER (ORDER BY page_position NULLS LAST, Metadata_Channel) - 1) % 6]
        AS colour,
    NULL AS emission_nm,
    stains.marks
FROM named
LEFT JOIN read_csv(
    coalesce(getvariable('jumpduck_sql'), 'sql') || '/image_lists/stains.csv',
    header = TRUE, all_varchar = TRUE, comment = '', skip = 0
) AS stains ON lower(named.Metadata_Channel) = stains.name;

COMMENT ON TABLE quilt.channels IS 'One row per channel';
COMMENT ON COLUMN quilt.channels.Metadata_Channel IS 'Channel';
COMMENT ON COLUMN quilt.channels.kind IS 'stain, brightfield or other, such as a segmentation';
COMMENT ON COLUMN quilt.channels.position IS 'Order of the images of a site';
COMMENT ON COLUMN quilt.channels.colour IS 'Colour to show it in: #RRGGBB';
COMMENT ON COLUMN quilt.channels.emission_nm IS 'Emission in nanometres, which no package says';
COMMENT ON COLUMN quilt.channels.marks IS
'nuclei or cells where its name says that it shows them, NULL elsewhere';
