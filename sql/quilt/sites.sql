-- quilt.sites: one row per site, such as a cell, with its images and what the package says of it.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site
-- The source is the package's user, the batch its name. Of two images of the same site and channel
-- the first in the table is taken; the other is counted in quilt.problems. The files of a site are
-- gathered as one list of texts, the layout and the row before the URL, because lists of several
-- columns take three times as much memory.
-- Joins are done as they are written, because DuckDB takes the files for few and would hold them in
-- memory a second time.
SET disabled_optimizers = 'join_order,build_side_probe_side';

CREATE OR REPLACE TABLE quilt.sites AS
WITH imaged AS (
    SELECT
        site_keys.Metadata_Plate,
        site_keys.Metadata_Well,
        site_keys.Metadata_Site,
        min(images.own_row) AS own_row,
        list(layouts.number || lpad(images.own_row::VARCHAR, 12, '0') || images.url) AS files,
        avg(images.size)::BIGINT AS image_bytes
    FROM quilt_images AS images
    INNER JOIN quilt_site_keys AS site_keys ON images.own_row = site_keys.own_row
    INNER JOIN quilt_layouts AS layouts
        ON images.image_column = layouts.image_column AND images.channel = layouts.channel
    WHERE images.reason IS NULL AND site_keys.reason IS NULL
    GROUP BY ALL
),

known AS (
    SELECT
        (
            SELECT map_from_entries(list((layouts.number, layouts.images)))
            FROM quilt_layouts AS layouts
        ) AS layouts,
        list(Metadata_Channel ORDER BY position) AS channels
    FROM quilt.channels
),

found AS (
    SELECT
        imaged.* EXCLUDE (files),
        known.channels AS every_channel,
        flatten(list_transform(list_sort(imaged.files), LAMBDA file: list_transform(
            known.layouts[left(file, 6)],
            LAMBDA image: {
                'channel': image.channel, -- noqa: RF01
                'kind': image.kind, -- noqa: RF01
                'url': substr(file, 19) || image.place, -- noqa: RF01
                'illum': NULL::VARCHAR
            }
        ))) AS found,
        list_transform(found, LAMBDA image: image.channel) AS found_channels -- noqa: RF01
    FROM imaged
    CROSS JOIN known
),

keyed AS (
    SELECT
        settings.package_user AS Metadata_Source,
        settings.package_name AS Metadata_Batch,
        found.* EXCLUDE (every_channel, found, found_channels),
        CASE
            WHEN list_unique(found.found_channels) = len(found.found) THEN found.found
            ELSE list_transform(
                list_filter(
                    found.every_channel,
                    LAMBDA channel: list_contains(found.found_channels, channel)
                ),
                LAMBDA channel: found.found[list_position(found.found_channels, channel)]
            )
        END AS images,
        len(found.found) AS found_images
    FROM found
    CROSS JOIN quilt.settings AS settings
),

plates AS (
    SELECT
        Metadata_Plate AS Plate,
        row_number() OVER (ORDER BY Metadata_Plate) AS plate_number
    FROM quilt_site_keys
    GROUP BY Metadata_Plate
)

SELECT
    COLUMNS(
        LAMBDA name: starts_with(name, 'Metadata_')
        AND NOT list_contains(getvariable('quilt_image_columns'), name)
    ),
    own_rows.label AS Metadata_Perturbation,
    CASE
        WHEN lower(own_rows.label) IN ('dmso', 'vehicle', 'untreated', 'control', 'negcon')
            THEN 'negcon'
        ELSE 'trt'
    END AS Metadata_pert_type,
    coalesce(getvariable('quilt_modality'), 'label')::VARCHAR AS Metadata_modality,
    'package' AS Metadata_PlateType,
    concat_ws(
        '__', keyed.Metadata_Source, keyed.Metadata_Batch, keyed.Metadata_Plate,
        keyed.Metadata_Well, keyed.Metadata_Site
    ) AS site_key,
    keyed.own_row AS site_number,
    plates.plate_number,
    list_transform(keyed.images, LAMBDA image: image.channel) AS image_channels, -- noqa: RF01
    keyed.images,
    keyed.image_bytes,
    keyed.found_images,
    NULL::VARCHAR AS plate_issue,
    FALSE AS plate_dropped,
    NULL::STRUCT(
        well VARCHAR, site INTEGER, channel VARCHAR, consequence VARCHAR, what VARCHAR
    )[] AS issues
FROM keyed
INNER JOIN plates ON keyed.Metadata_Plate = plates.Plate
INNER JOIN quilt_own_rows AS own_rows ON keyed.own_row = own_rows.own_row;

RESET disabled_optimizers;

COMMENT ON TABLE quilt.sites IS
'One row per site, such as a cell, with its images and what the package says of it';
COMMENT ON COLUMN quilt.sites.Metadata_Source IS 'User of the package';
COMMENT ON COLUMN quilt.sites.Metadata_Batch IS 'Name of the package';
COMMENT ON COLUMN quilt.sites.Metadata_Plate IS
'Plate; the name of the package if it names none';
COMMENT ON COLUMN quilt.sites.Metadata_Well IS 'Well; none if the package names none';
COMMENT ON COLUMN quilt.sites.Metadata_Site IS 'Number of the site, such as that of a cell';
COMMENT ON COLUMN quilt.sites.Metadata_Perturbation IS
'What was done to the cells, or what they are';
COMMENT ON COLUMN quilt.sites.Metadata_pert_type IS 'Role: negcon or trt';
COMMENT ON COLUMN quilt.sites.Metadata_modality IS 'What Metadata_Perturbation names';
COMMENT ON COLUMN quilt.sites.Metadata_PlateType IS 'package, because it says nothing of plates';
COMMENT ON COLUMN quilt.sites.site_key IS 'Source, batch, plate, well and site, joined by __';
COMMENT ON COLUMN quilt.sites.site_number IS 'Number of the site in this catalog';
COMMENT ON COLUMN quilt.sites.plate_number IS 'Number of the plate in this catalog';
COMMENT ON COLUMN quilt.sites.image_channels IS 'Channels of images';
COMMENT ON COLUMN quilt.sites.images IS 'Channel, kind and URL of each image';
COMMENT ON COLUMN quilt.sites.image_bytes IS 'Mean size of its files';
COMMENT ON COLUMN quilt.sites.found_images IS
'Images that the package has of it, with those that are of the same channel';
COMMENT ON COLUMN quilt.sites.plate_issue IS 'NULL: no known issues';
COMMENT ON COLUMN quilt.sites.plate_dropped IS 'FALSE: no known issues';
COMMENT ON COLUMN quilt.sites.issues IS 'NULL: no known issues';
