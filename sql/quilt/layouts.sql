-- quilt.layouts: one row per image column and channel of its files: the images inside of a file.
-- key: image_column, channel
-- It lasts while the catalog is built. number sorts the files of a site by their first channel.
CREATE OR REPLACE TEMP TABLE quilt_layouts AS
WITH seen AS (
    SELECT DISTINCT
        image_column,
        channel
    FROM quilt_images
    WHERE reason IS NULL
),

held AS (
    SELECT
        seen.image_column,
        seen.channel,
        min(channels.position) AS position,
        list({
            'channel': channels.Metadata_Channel,
            'kind': channels.kind,
            'place': CASE WHEN pages.place IS NULL THEN '' ELSE '&' || pages.place END
        } ORDER BY channels.position) AS images
    FROM seen
    LEFT JOIN quilt.pages AS pages ON seen.image_column = pages.image_column
    INNER JOIN quilt.channels AS channels
        ON channels.Metadata_Channel = coalesce(pages.Metadata_Channel, seen.channel)
    GROUP BY ALL
)

SELECT
    image_column,
    channel,
    images,
    lpad(
        row_number() OVER (ORDER BY position, image_column, channel)::VARCHAR, 6, '0'
    ) AS number
FROM held;
