-- main.list_sites(images, channels, plates, wells): the sites of a list of images.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site
-- The arguments are a collection's relations. A site whose well no platemap describes stays, with
-- the role unknown. The size of an image is an estimate where nobody said it: that of 1080 x 1080
-- pixels of 16 bit.
CREATE OR REPLACE MACRO main.list_sites(images, channels, plates, wells) AS TABLE
WITH imaged AS (
    SELECT
        images.Metadata_Source,
        images.Metadata_Batch,
        images.Metadata_Plate,
        images.Metadata_Well,
        images.Metadata_Site,
        any_value(images.Metadata_Pixel_Size_Microns) AS Metadata_Pixel_Size_Microns,
        -- sorted by the position, which comes first: ORDER BY in list() takes twice the time
        list_sort(list({
            'position': channels.position,
            'channel': images.Metadata_Channel,
            'kind': channels.kind,
            'url': images.url,
            'illum': images.illum
        })) AS sorted_images,
        avg(images.image_bytes) AS image_bytes
    FROM query_table(images) AS images
    INNER JOIN query_table(channels) AS channels USING (Metadata_Channel)
    WHERE images.reason IS NULL
    GROUP BY ALL
)

SELECT
    imaged.Metadata_Source,
    imaged.Metadata_Batch,
    imaged.Metadata_Plate,
    imaged.Metadata_Well,
    imaged.Metadata_Site,
    coalesce(wells.Metadata_pert_type, 'unknown') AS Metadata_pert_type,
    wells.Metadata_modality,
    COLUMNS(wells.* EXCLUDE (
        Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_pert_type,
        Metadata_modality, Metadata_Pixel_Size_Microns, reason, is_used
    )),
    COLUMNS(plates.* EXCLUDE (
        Metadata_Source, Metadata_Batch, Metadata_Plate, plate_number, reason
    )),
    coalesce(
        imaged.Metadata_Pixel_Size_Microns, wells.Metadata_Pixel_Size_Microns
    ) AS Metadata_Pixel_Size_Microns,
    concat_ws(
        '__', imaged.Metadata_Source, imaged.Metadata_Batch, imaged.Metadata_Plate,
        imaged.Metadata_Well, imaged.Metadata_Site
    ) AS site_key,
    row_number() OVER (
        ORDER BY
            imaged.Metadata_Source, imaged.Metadata_Batch, imaged.Metadata_Plate,
            imaged.Metadata_Well, imaged.Metadata_Site
    ) AS site_number,
    plates.plate_number,
    [image.channel FOR image IN imaged.sorted_images] AS image_channels, -- noqa: RF01
    [
        struct_pack( -- noqa: RF01
            channel := image.channel, -- noqa: RF01
            kind := image.kind, -- noqa: RF01
            url := image.url, -- noqa: RF01
            illum := image.illum -- noqa: RF01
        )
        FOR image IN imaged.sorted_images
    ] AS images,
    coalesce(imaged.image_bytes, 2 * 1080 * 1080) AS image_bytes,
    NULL::VARCHAR AS plate_issue,
    FALSE AS plate_dropped,
    NULL::STRUCT(
        well VARCHAR, site INTEGER, channel VARCHAR, consequence VARCHAR, what VARCHAR
    )[] AS issues
FROM imaged
INNER JOIN query_table(plates) AS plates USING (Metadata_Source, Metadata_Batch, Metadata_Plate)
LEFT JOIN query_table(wells) AS wells
    ON
        imaged.Metadata_Source = wells.Metadata_Source
        AND imaged.Metadata_Batch = wells.Metadata_Batch
        AND imaged.Metadata_Plate = wells.Metadata_Plate
        AND imaged.Metadata_Well = wells.Metadata_Well
        AND wells.is_used;

COMMENT ON MACRO TABLE main.list_sites IS -- noqa: PRS
'The sites of a list of images';
