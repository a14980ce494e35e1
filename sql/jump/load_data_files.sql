-- jump.load_data_files: one row per plate whose load_data was asked for.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate
-- jump_load_data names files or patterns; by default every plate of every source that jump.plates
-- knows, one listing a source: a pattern with the star further left would make S3 list its
-- 58 million images. Several forms lie side by side in a plate's folder: the one with illum wins,
-- csv before csv.gz before parquet, as the gallery went. jump_load_data_unread
-- lists the plates that have none that can be read, and why: Python sets it, because it looks for
-- the files beforehand. A site index (jump_index) stands for the load_data of its plates.
SET VARIABLE jump_load_data = coalesce(
    getvariable('jump_load_data')::VARCHAR[],
    CASE WHEN getvariable('jump_index') IS NOT NULL THEN [] END,
    (
        SELECT
            list(
                DISTINCT getvariable('jump_gallery') || '/' || getvariable('jump_project') || '/'
                || Metadata_Source || '/workspace/load_data_csv/*/*/load_data*.*'
            )
        FROM jump.plates
    )
);
SET VARIABLE jump_load_data_unread = coalesce(
    getvariable('jump_load_data_unread')::STRUCT(
        "source" VARCHAR, batch VARCHAR, plate VARCHAR, reason VARCHAR
    )[],
    []
);

CREATE OR REPLACE TABLE jump.load_data_files AS
WITH found AS (
    SELECT
        file,
        regexp_extract(
            file,
            '([^/]+)/workspace/load_data_csv/([^/]+)/([^/]+)/'
            || '(load_data(_with_illum)?\.(csv|csv\.gz|parquet))$',
            ['source', 'batch', 'plate', 'name']
        ) AS part
    FROM glob(getvariable('jump_load_data'))
),

files AS (
    SELECT
        part.source AS Metadata_Source,
        part.batch AS Metadata_Batch,
        part.plate AS Metadata_Plate,
        file AS path,
        regexp_extract(part.name, '\.(csv|parquet)', 1) AS form,
        NULL::VARCHAR AS reason
    FROM found
    WHERE part.name <> ''
    QUALIFY row_number() OVER (
        PARTITION BY part.source, part.batch, part.plate
        ORDER BY part.name LIKE '%with_illum%' DESC, part.name ASC
    ) = 1
    UNION ALL
    SELECT
        unread.source,
        unread.batch,
        unread.plate,
        NULL AS path,
        NULL AS form,
        unread.reason
    FROM unnest(getvariable('jump_load_data_unread')) AS problems (unread)
    UNION ALL
    SELECT DISTINCT
        Metadata_Source,
        Metadata_Batch,
        Metadata_Plate,
        getvariable('jump_index') AS path,
        'index' AS form,
        NULL AS reason
    FROM query(
        CASE
            WHEN getvariable('jump_index') IS NULL
                THEN
                    'SELECT NULL AS Metadata_Source, NULL AS Metadata_Batch, NULL AS Metadata_Plate'
                    || ' WHERE FALSE'
            ELSE 'FROM read_parquet(getvariable(''jump_index''))'
        END
    )
    WHERE
        Metadata_Source IS NOT NULL AND Metadata_Batch IS NOT NULL AND Metadata_Plate IS NOT NULL
)

SELECT
    *,
    (
        row_number() OVER (ORDER BY Metadata_Source, Metadata_Batch, Metadata_Plate)
    )::INTEGER AS plate_number
FROM files;

COMMENT ON TABLE jump.load_data_files IS
'One row per plate whose load_data was asked for';
COMMENT ON COLUMN jump.load_data_files.Metadata_Source IS 'Source, from the folder';
COMMENT ON COLUMN jump.load_data_files.Metadata_Batch IS 'Batch, from the folder';
COMMENT ON COLUMN jump.load_data_files.Metadata_Plate IS 'Plate, from the folder';
COMMENT ON COLUMN jump.load_data_files.path IS
'File that was read, which may have been a copy made for it';
COMMENT ON COLUMN jump.load_data_files.form IS 'csv, parquet, or index';
COMMENT ON COLUMN jump.load_data_files.reason IS 'Why nothing was read, NULL if all is well';
COMMENT ON COLUMN jump.load_data_files.plate_number IS
'Place of the plate in the order of its key; means nothing outside this catalog';
