-- jump.load_data_files: one row per plate whose load_data was asked for.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate
-- jump_load_data names files or patterns; by default the load_data of every plate that
-- jump.named_plates has, one listing a source: a pattern with the star further left would make S3
-- list its 58 million images. A plate without a batch is looked for in all batches of its source.
-- Several forms lie side by side in a plate's folder: the one with illum wins, csv before csv.gz
-- before parquet, as the gallery went. jump_load_data_unread lists the plates that have none that
-- can be read, and why: Python sets it, because it looks for the files beforehand. A site index
-- (jump_index) stands for the load_data of its plates.
SET VARIABLE jump_load_data_default = (
    getvariable('jump_load_data') IS NULL AND getvariable('jump_index') IS NULL
);
SET VARIABLE jump_load_data = coalesce(
    getvariable('jump_load_data')::VARCHAR[],
    CASE WHEN getvariable('jump_index') IS NOT NULL THEN [] END,
    (
        SELECT
            list(
                DISTINCT as_pattern(
                    concat_ws(
                        '/', getvariable('jump_gallery'), getvariable('jump_project'),
                        Metadata_Source
                    )
                ) || '/workspace/load_data_csv/*/*/load_data*.*'
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

batches AS (
    SELECT DISTINCT
        Metadata_Source,
        Metadata_Batch
    FROM jump.plates
),

named AS (
    SELECT
        named_plates.Metadata_Source,
        batches.Metadata_Batch,
        named_plates.Metadata_Plate
    FROM jump.named_plates
    INNER JOIN batches
        ON
            named_plates.Metadata_Source = batches.Metadata_Source
            AND coalesce(
                named_plates.Metadata_Batch, batches.Metadata_Batch
            ) = batches.Metadata_Batch
),

best AS (
    SELECT
        part.source AS Metadata_Source,
        part.batch AS Metadata_Batch,
        part.plate AS Metadata_Plate,
        file AS path,
        regexp_extract(part.name, '\.(csv|parquet)', 1) AS form,
        NULL::VARCHAR AS reason
    FROM found
    WHERE
        part.name <> ''
        AND (
            NOT getvariable('jump_load_data_default')
            OR (part.source, part.batch, part.plate) IN (
                SELECT (Metadata_Source, Metadata_Batch, Metadata_Plate) FROM named
            )
        )
    QUALIFY row_number() OVER (
        PARTITION BY part.source, part.batch, part.plate
        ORDER BY part.name LIKE '%with_illum%' DESC, part.name ASC
    ) = 1
),

files AS (
    SELECT * FROM best
    UNION ALL BY NAME
    SELECT
        absent.Metadata_Source,
        absent.Metadata_Batch,
        absent.Metadata_Plate,
        'no load_data in ' || absent.Metadata_Source || '/workspace/load_data_csv/'
        || coalesce(absent.Metadata_Batch, '*') || '/' || absent.Metadata_Plate AS reason
    FROM jump.named_plates AS absent
    ANTI JOIN best
        ON
            absent.Metadata_Source = best.Metadata_Source
            AND absent.Metadata_Plate = best.Metadata_Plate
            AND coalesce(absent.Metadata_Batch, best.Metadata_Batch) = best.Metadata_Batch
    WHERE getvariable('jump_load_data_default')
    UNION ALL BY NAME
    SELECT
        unread.source AS Metadata_Source,
        unread.batch AS Metadata_Batch,
        unread.plate AS Metadata_Plate,
        unread.reason
    FROM unnest(getvariable('jump_load_data_unread')) AS problems (unread)
    UNION ALL BY NAME
    SELECT DISTINCT
        Metadata_Source,
        Metadata_Batch,
        Metadata_Plate,
        getvariable('jump_index') AS path,
        'index' AS form
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
COMMENT ON COLUMN jump.load_data_files.Metadata_Batch IS
'Batch, from the folder; NULL if only wells name the plate and nothing was found';
COMMENT ON COLUMN jump.load_data_files.Metadata_Plate IS 'Plate, from the folder';
COMMENT ON COLUMN jump.load_data_files.path IS
'File that was read, which may have been a copy made for it';
COMMENT ON COLUMN jump.load_data_files.form IS 'csv, parquet, or index';
COMMENT ON COLUMN jump.load_data_files.reason IS 'Why no file was read, NULL if one was';
COMMENT ON COLUMN jump.load_data_files.plate_number IS
'Place of the plate in the order of its key; means nothing outside this catalog';
