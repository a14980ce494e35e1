-- idr.fields: one row per field of view of a well, or movie, with where its images are.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, field
-- With what is in the well, because a join for each chunk of a selection would take longer than all
-- else.
-- The URL of an image is start; that of a frame of a movie is start, its number from 0, and rest.
-- A screen of movies has 18 million frames, therefore they are not rows of a table. CellCognition
-- writes a movie as /sample/0/plate/PLATE/experiment/WELL/position/SITE/image/channel with the axes
-- c, t, z, y, x; no table has the names of these groups, of which each is the only one. A plate in
-- the form OME-Zarr has row/column/field/resolution, with the axes t, c, z, y, x.
-- noqa: disable=PRS
CREATE OR REPLACE TABLE idr.fields AS
WITH wells AS (
    SELECT
        wells.Metadata_Source,
        wells.Metadata_Batch,
        wells.Metadata_Plate,
        wells.Metadata_Well,
        studies.*
        EXCLUDE (Metadata_Source, Metadata_Batch),
        plates.screen_name,
        plates.zarr_path,
        regexp_replace(wells.Metadata_Well, '^([A-Z]+)0*([0-9]+)$', '\1/\2') AS row_and_column,
        -- a plate of movies has 16 rows of 24 wells, which are numbered from 1
        lpad(
            (
                (ascii(wells.Metadata_Well) - 65) * 24
                + try_cast(wells.Metadata_Well[2:] AS INTEGER)
            )::VARCHAR,
            5, '0'
        ) AS number
    FROM idr.wells AS wells
    INNER JOIN idr.studies AS studies USING (Metadata_Source, Metadata_Batch)
    INNER JOIN idr.plates AS plates USING (Metadata_Source, Metadata_Batch, Metadata_Plate)
),

movies AS (
    SELECT
        wells.*,
        concat(
            settings.gallery, '/', wells.folder, '/',
            replace(replace(wells.files, '{screen}', wells.screen_name), '{number}', wells.number),
            '#dataset=/sample/0/plate/*/experiment/*/position/*/image/channel&index='
        ) AS start
    FROM wells
    CROSS JOIN idr.settings AS settings
    WHERE
        wells.layout = 'ch5'
        AND wells.screen_name IS NOT NULL
        -- the number of another well is that of one beyond the last column: see problems
        AND regexp_full_match(wells.Metadata_Well, '[A-P]([01][0-9]|2[0-4])')
),

arrays AS (
    SELECT
        wells.*,
        numbers.field,
        concat(
            settings.zarr_gallery, '/', wells.zarr_path, '#array=', wells.row_and_column, '/',
            numbers.field - 1, '/0&index='
        ) AS start
    FROM wells
    CROSS JOIN idr.settings AS settings
    CROSS JOIN range(1, 1 + (SELECT max(fields) FROM idr.studies)) AS numbers (field)
    WHERE
        wells.layout = 'zarr'
        AND wells.zarr_path IS NOT NULL
        AND numbers.field <= wells.fields
),

kinds AS (
    SELECT map_from_entries(list((Metadata_Channel, kind))) AS kinds FROM idr.channels
),

found AS (
    SELECT
        Metadata_Source,
        Metadata_Batch,
        Metadata_Plate,
        Metadata_Well,
        field,
        NULL::INTEGER AS frames,
        list_transform(
            paths,
            LAMBDA path, place: {
                'channel': channels[place],
                'kind': kinds[channels[place]],
                'start': settings.gallery || '/' || path,
                'rest': NULL::VARCHAR
            }
        ) AS images
    FROM idr.named_files
    CROSS JOIN idr.settings AS settings -- noqa: AL05
    CROSS JOIN kinds
    WHERE reason IS NULL
    UNION ALL BY NAME
    SELECT
        Metadata_Source,
        Metadata_Batch,
        Metadata_Plate,
        Metadata_Well,
        1 AS field,
        frames,
        list_transform(
            channels,
            LAMBDA channel, place: {
                'channel': channel,
                'kind': kinds[channel],
                'start': start || (place - 1) || ',',
                'rest': ',0'
            }
        ) AS images
    FROM movies
    CROSS JOIN kinds
    UNION ALL BY NAME
    SELECT
        Metadata_Source,
        Metadata_Batch,
        Metadata_Plate,
        Metadata_Well,
        field,
        frames,
        list_transform(
            channels,
            LAMBDA channel, place: {
                'channel': channel,
                'kind': kinds[channel],
                'start': CASE
                    WHEN frames IS NULL THEN start || '0,' || (place - 1) || ',0' ELSE start
                END,
                'rest': CASE WHEN frames IS NOT NULL THEN ',' || (place - 1) || ',0' END
            }
        ) AS images
    FROM arrays
    CROSS JOIN kinds
)

SELECT
    found.* EXCLUDE (frames),
    coalesce(found.frames, 0) AS frames,
    sum(coalesce(found.frames, 1)) OVER (
        ORDER BY
            found.Metadata_Source,
            found.Metadata_Batch,
            found.Metadata_Plate,
            found.Metadata_Well,
            found.field
    ) - coalesce(found.frames, 1) AS sites_before,
    dense_rank() OVER (
        ORDER BY found.Metadata_Source, found.Metadata_Batch, found.Metadata_Plate
    ) AS plate_number,
    studies.screen AS Metadata_PlateType,
    studies.modality AS Metadata_modality,
    studies.image_bytes,
    coalesce(wells.Metadata_pert_type, 'unknown') AS Metadata_pert_type,
    wells.* EXCLUDE (
        Metadata_Source,
        Metadata_Batch,
        Metadata_Plate,
        Metadata_Well,
        Metadata_pert_type,
        Metadata_modality
    )
FROM found
INNER JOIN idr.studies AS studies USING (Metadata_Source, Metadata_Batch)
LEFT JOIN idr.wells AS wells USING (Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well)
ORDER BY plate_number;

-- a primary key would make the catalog half as large again
SELECT
    error(concat_ws(
        ' ', 'two rows of idr.fields have the same key:', Metadata_Source, Metadata_Batch,
        Metadata_Plate, Metadata_Well, field
    )) AS doubled
FROM idr.fields
GROUP BY Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, field
HAVING count(*) > 1;

COMMENT ON TABLE idr.fields IS
'One row per field of view of a well, or movie, with where its images are';
COMMENT ON COLUMN idr.fields.field IS 'Number of the field, from 1';
COMMENT ON COLUMN idr.fields.frames IS 'Frames of the movie, 0 for a still image';
COMMENT ON COLUMN idr.fields.images IS
'For each channel the URL: start, or start, number of the frame from 0, and rest';
COMMENT ON COLUMN idr.fields.sites_before IS 'Sites of the fields before it';
