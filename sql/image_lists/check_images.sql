-- main.check_images(listed): the images of a list, and why a row is not an image.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site,
-- Metadata_Channel
-- listed has the columns that jumpduck.collections.image_rows names, as text. Letters of a channel
-- that a command line or a column could not have become underscores. Where a collection has several
-- planes of one image, each is a channel of its own, because a recipe makes one file of one plane:
-- DNA_z1, DNA_z2. Of different files of one image none is used, as none is known to be meant.
CREATE OR REPLACE MACRO main.check_images(listed) AS TABLE
WITH planes AS (
    SELECT count(DISTINCT plane) > 1 AS several FROM query_table(listed)
),

named AS (
    SELECT
        Metadata_Source,
        Metadata_Batch,
        Metadata_Plate,
        main.well_name(Metadata_Well) AS Metadata_Well,
        -- '2.5' is not site 3, which a cast alone would make of it
        CASE
            WHEN regexp_full_match(Metadata_Site, '[0-9]{1,9}(\.0*)?')
                THEN try_cast(split_part(Metadata_Site, '.', 1) AS INTEGER)
        END AS Metadata_Site,
        nullif(
            trim(regexp_replace(Metadata_Channel, '[^\pL\pN.+-]+', '_', 'g'), '_.'), ''
        ) || CASE
            WHEN several AND plane IS NOT NULL
                THEN '_z' || coalesce(nullif(ltrim(plane, '0'), ''), '0')
            ELSE ''
        END AS Metadata_Channel,
        main.pixel_size(Metadata_Pixel_Size_Microns) AS Metadata_Pixel_Size_Microns,
        url,
        illum,
        try_cast(image_bytes AS BIGINT) AS image_bytes,
        reason,
        Metadata_Well AS well_text,
        row_and_col,
        Metadata_Site AS site_text
    FROM query_table(listed)
    CROSS JOIN planes
),

judged AS (
    SELECT
        * REPLACE (CASE
            WHEN reason IS NOT NULL THEN reason
            WHEN NOT main.is_plain_name(Metadata_Source)
                THEN 'no name of a folder as source: ' || main.printable(Metadata_Source)
            WHEN NOT main.is_plain_name(Metadata_Batch)
                THEN 'no name of a folder as batch: ' || main.printable(Metadata_Batch)
            WHEN NOT main.is_plain_name(Metadata_Plate)
                THEN 'no name of a folder as plate: ' || main.printable(Metadata_Plate)
            WHEN Metadata_Well IS NULL THEN 'no well: ' || main.printable(well_text)
            WHEN
                row_and_col IS NOT NULL
                AND main.well_name(row_and_col) IS DISTINCT FROM Metadata_Well
                THEN
                    'well ' || Metadata_Well || ' has another row and column: '
                    || main.printable(row_and_col)
            WHEN Metadata_Site IS NULL THEN 'no site number: ' || main.printable(site_text)
            WHEN NOT main.is_plain_name(Metadata_Channel) THEN 'no channel'
            WHEN url IS NULL THEN 'no image'
        END AS reason)
    FROM named
),

keyed AS (
    SELECT
        * EXCLUDE (well_text, row_and_col, site_text),
        -- of all rows the number alone is compared, because their texts would take the memory
        CASE
            WHEN reason IS NULL
                THEN
                    hash(
                        Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well,
                        Metadata_Site, Metadata_Channel
                    )
        END AS digest
    FROM judged
),

doubled AS (
    SELECT digest FROM keyed
    GROUP BY digest
    HAVING count(digest) > 1
)

SELECT * EXCLUDE (digest) FROM keyed
ANTI JOIN doubled USING (digest)
UNION ALL BY NAME
SELECT * EXCLUDE (digest) REPLACE (
    CASE
        WHEN
            min(url) OVER image <> max(url) OVER image
            OR min(coalesce(illum, '')) OVER image <> max(coalesce(illum, '')) OVER image
            THEN 'different files for one image, none of which is used'
        WHEN row_number() OVER image > 1 THEN 'the same image once more'
    END AS reason
)
FROM keyed
SEMI JOIN doubled USING (digest)
WINDOW
    image AS (
        PARTITION BY
            Metadata_Source,
            Metadata_Batch,
            Metadata_Plate,
            Metadata_Well,
            Metadata_Site,
            Metadata_Channel
    );

COMMENT ON MACRO TABLE main.check_images IS -- noqa: PRS
'The images of a list, and why a row is not an image';
