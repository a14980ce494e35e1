-- quilt.pages: one row per channel inside of the files that a column of the table names.
-- key: image_column, Metadata_Channel
-- Known for named packages alone: elsewhere a file is one image. place says which of its pages are
-- the channel, as the fragment of a URL has it.
CREATE OR REPLACE TABLE quilt.pages (
    image_column VARCHAR,
    Metadata_Channel VARCHAR,
    kind VARCHAR NOT NULL,
    position INTEGER NOT NULL,
    place VARCHAR,
    PRIMARY KEY (image_column, Metadata_Channel)
);

INSERT INTO quilt.pages
WITH given AS (
    SELECT
        unnest(coalesce(
            getvariable('quilt_pages'),
            []::STRUCT(
                image_column VARCHAR, channel VARCHAR, kind VARCHAR, "position" VARCHAR,
                place VARCHAR
            )[]
        )) AS page
)

SELECT
    page.image_column,
    page.channel,
    page.kind,
    page.position::INTEGER AS position,
    page.place
FROM given;

COMMENT ON TABLE quilt.pages IS
'One row per channel inside of the files that a column of the table names';
COMMENT ON COLUMN quilt.pages.image_column IS 'Name of the column, with Metadata_ before it';
COMMENT ON COLUMN quilt.pages.Metadata_Channel IS 'Channel';
COMMENT ON COLUMN quilt.pages.kind IS 'stain, brightfield or other, such as a segmentation';
COMMENT ON COLUMN quilt.pages.position IS 'Order of the channels';
COMMENT ON COLUMN quilt.pages.place IS
'Pages of the file that are the channel, NULL for the whole file';
