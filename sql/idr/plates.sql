-- idr.plates: one row per plate that was asked for.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate
-- The published list names a plate and the file that names its images: ../screens/NAME.screen.
CREATE OR REPLACE TABLE idr.plates (
    Metadata_Source VARCHAR,
    Metadata_Batch VARCHAR,
    Metadata_Plate VARCHAR,
    Metadata_PlateType VARCHAR NOT NULL,
    screen_name VARCHAR,
    zarr_path VARCHAR,
    PRIMARY KEY (Metadata_Source, Metadata_Batch, Metadata_Plate)
);

INSERT INTO idr.plates
WITH lines AS (
    SELECT
        screen,
        kind,
        unnest(string_split_regex(text, '\r?\n')) AS line
    FROM read_parquet(getvariable('idr_texts'))
    WHERE kind IN ('plates', 'zarrs')
),

zarrs AS (
    SELECT
        screen,
        regexp_extract(line, '^(?:[^,]*/)?([^/,]+?)(?:\.ome)?\.zarr,', 1) AS Metadata_Plate,
        -- the published table has the folder of a plate, in which the array has its name again;
        -- of two for a plate the first by name is taken
        min(regexp_replace(
            regexp_extract(line, ',(S-BIAD[0-9]+/[0-9A-Za-z-]+)(?:,|$)', 1),
            '^(.*)/(.*)$', '\1/\2/\2.zarr'
        )) AS zarr_path
    FROM lines
    WHERE kind = 'zarrs'
    GROUP BY ALL
)

SELECT
    studies.Metadata_Source,
    studies.Metadata_Batch,
    trim(split_part(lines.line, chr(9), 1)) AS Metadata_Plate,
    studies.screen AS Metadata_PlateType,
    nullif(regexp_extract(split_part(lines.line, chr(9), 2), '([^/]+)\.screen$', 1), '')
        AS screen_name,
    nullif(zarrs.zarr_path, '') AS zarr_path
FROM lines
INNER JOIN idr.studies AS studies ON lines.screen = studies.screen
LEFT JOIN zarrs
    ON
        lines.screen = zarrs.screen
        AND trim(split_part(lines.line, chr(9), 1)) = zarrs.Metadata_Plate
WHERE
    lines.kind = 'plates'
    AND trim(lines.line) <> ''
    AND (
        getvariable('idr_plates') IS NULL
        OR list_contains(
            getvariable('idr_plates')::VARCHAR[], trim(split_part(lines.line, chr(9), 1))
        )
    );

COMMENT ON TABLE idr.plates IS 'One row per plate that was asked for';
COMMENT ON COLUMN idr.plates.Metadata_Source IS 'Accession of the study';
COMMENT ON COLUMN idr.plates.Metadata_Batch IS 'Screen of the study';
COMMENT ON COLUMN idr.plates.Metadata_Plate IS 'Name of the plate';
COMMENT ON COLUMN idr.plates.Metadata_PlateType IS 'Study and screen';
COMMENT ON COLUMN idr.plates.screen_name IS 'Name of the file that names its images';
COMMENT ON COLUMN idr.plates.zarr_path IS 'Its OME-Zarr form, below the root of these';
