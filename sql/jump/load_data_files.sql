-- jump.load_data_files: one row per plate whose load_data was found.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate
-- jump_load_data names files or patterns; by default every plate of every source that jump.plates
-- knows, one listing a source: a pattern with the star further left would make S3 list its
-- 58 million images. Several forms lie side by side in a plate's folder: the one with illum wins,
-- csv before csv.gz before parquet, as the gallery went.
SET VARIABLE jump_load_data = coalesce(
    getvariable('jump_load_data')::VARCHAR[],
    (
        SELECT
            list(
                DISTINCT getvariable('jump_gallery') || '/' || getvariable('jump_project') || '/'
                || Metadata_Source || '/workspace/load_data_csv/*/*/load_data*.*'
            )
        FROM jump.plates
    )
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
)

SELECT
    part.source AS Metadata_Source,
    part.batch AS Metadata_Batch,
    part.plate AS Metadata_Plate,
    file AS path,
    regexp_extract(part.name, '\.(csv|parquet)', 1) AS form
FROM found
WHERE part.name <> ''
QUALIFY row_number() OVER (
    PARTITION BY part.source, part.batch, part.plate
    ORDER BY part.name LIKE '%with_illum%' DESC, part.name ASC
) = 1;

COMMENT ON TABLE jump.load_data_files IS
'One row per plate whose load_data was found';
COMMENT ON COLUMN jump.load_data_files.Metadata_Source IS 'Source, from the folder';
COMMENT ON COLUMN jump.load_data_files.Metadata_Batch IS 'Batch, from the folder';
COMMENT ON COLUMN jump.load_data_files.Metadata_Plate IS 'Plate, from the folder';
COMMENT ON COLUMN jump.load_data_files.path IS 'File that was read';
COMMENT ON COLUMN jump.load_data_files.form IS 'csv or parquet';
