-- main.list_channels(images, stains): the channels that the images have.
-- key: Metadata_Channel
-- What is known of a channel is looked up by its letters and digits alone. A name that is not known
-- is a stain, because most are; is_known says so. A name of one plane is known as its stain.
CREATE OR REPLACE MACRO main.list_channels(images, stains) AS TABLE
WITH found AS (
    SELECT DISTINCT
        Metadata_Channel,
        regexp_replace(
            lower(regexp_replace(Metadata_Channel, '_z[0-9]+$', '')), '[^a-z0-9]', '', 'g'
        ) AS plain_name
    FROM query_table(images)
    WHERE reason IS NULL
),

placed AS (
    SELECT
        found.Metadata_Channel,
        stains.kind,
        stains.colour,
        stains.emission_nm,
        stains.marks,
        stains.kind IS NOT NULL AS is_known,
        row_number() OVER (
            ORDER BY stains.position::INTEGER NULLS LAST, found.Metadata_Channel
        )::INTEGER AS position
    FROM found
    LEFT JOIN query_table(stains) AS stains ON found.plain_name = stains.name
)

SELECT
    Metadata_Channel,
    coalesce(kind, 'stain') AS kind,
    position,
    coalesce(
        colour,
        ['#0000FF', '#00FF00', '#FF0000', '#FFFF00', '#FF00FF', '#00FFFF'][1 + position % 6]
    ) AS colour,
    emission_nm::DOUBLE AS emission_nm,
    marks,
    is_known
FROM placed;

COMMENT ON MACRO TABLE main.list_channels IS -- noqa: PRS
'The channels that the images have';
