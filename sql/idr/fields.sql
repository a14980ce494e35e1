-- idr.fields: one row per field of view of a well, or movie, with where its images are.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, field
-- The URL of an image is start; that of a frame of a movie is start, its number from 0, and rest: a
-- screen of movies has 18 million frames, therefore they are not rows of a table. CellCognition
-- writes a movie as /sample/0/plate/…/image/channel with the axes c, t, z, y, x. A plate of OME-Zarr
-- has row/column/field/resolution, with the axes t, c, z, y, x.
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
            ((ascii(wells.Metadata_Well) - 65) * 24 + wells.Metadata_Well[2:]::INTEGER)::VARCHAR,
            5, '0'
        ) AS number
    FROM idr.wells AS wells
    INNER JOIN idr.studies AS studies USING (Metadata_Source, Metadata_Batch)
    INNER JOIN idr.plates AS plates USING (Metadata_Source, Metadata_Batch, Metadata_Plate)
),

movies AS (
    SELECT
        * EXCLUDE (gallery),
        concat(
            gallery, '/', folder, '/',
            replace(replace(files, '{screen}', screen_name), '{number}', number),
            '#dataset=/sample/0/plate/', screen_name, '/experiment/', number,
            '/position/1/image/channel&index='
        ) AS start
    FROM wells
    CROSS JOIN (SELECT gallery FROM idr.settings)
    WHERE layout = 'ch5' AND screen_name IS NOT NULL
),

arrays AS (
    SELECT
        * EXCLUDE (zarr_gallery),
        concat(
            zarr_gallery, '/', zarr_path, '#array=', row_and_column, '/', field - 1, '/0&index='
        ) AS start
    FROM wells
    CROSS JOIN (SELECT zarr_gallery FROM idr.settings)
    CROSS JOIN LATERAL (SELECT unnest(range(1, wells.fields + 1)) AS field)
    WHERE layout = 'zarr' AND zarr_path IS NOT NULL
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
            files,
            LAMBDA file, place: {
                'channel': channels[place],
                'kind': kinds[channels[place]],
                'start': gallery || '/' || file,
                'rest': NULL::VARCHAR
            }
        ) AS images
    FROM idr.named_files
    CROSS JOIN (SELECT gallery FROM idr.settings)
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
    * EXCLUDE (frames),
    coalesce(frames, 0) AS frames,
    sum(coalesce(frames, 1)) OVER (
        ORDER BY Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, field
    ) - coalesce(frames, 1) AS sites_before,
    dense_rank() OVER (ORDER BY Metadata_Source, Metadata_Batch, Metadata_Plate) AS plate_number
FROM found;

COMMENT ON TABLE idr.fields IS
'One row per field of view of a well, or movie, with where its images are';
COMMENT ON COLUMN idr.fields.field IS 'Number of the field, from 1';
COMMENT ON COLUMN idr.fields.frames IS 'Frames of the movie, 0 where it is none';
COMMENT ON COLUMN idr.fields.images IS
'For each channel the URL: start, or start, number of the frame from 0, and rest';
COMMENT ON COLUMN idr.fields.sites_before IS 'Sites of the fields before it';
