-- jump.load_data: one row per site as its plate's load_data lists it.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site
-- All published forms: URL_* columns, or PathName_* + FileName_*; csv or parquet; with or without
-- illum, brightfield and columns about the instrument. The first SELECT of "rows" names every
-- column we use, so that a plate without one gives NULLs. Source, batch and plate come from the
-- folder: some files do not say them, and some say a name that no other table knows.
-- Identical rows are one row.
SET VARIABLE jump_load_data_csv = (
    SELECT list(path ORDER BY path) FROM jump.load_data_files
    WHERE form = 'csv'
);
SET VARIABLE jump_load_data_parquet = (
    SELECT list(path ORDER BY path) FROM jump.load_data_files
    WHERE form = 'parquet'
);

CREATE OR REPLACE TABLE jump.load_data AS
WITH rows AS (
    SELECT
        NULL::VARCHAR AS filename,
        NULL::VARCHAR AS Metadata_Well,
        NULL::VARCHAR AS Metadata_Site,
        NULL::VARCHAR AS URL_OrigDNA,
        NULL::VARCHAR AS PathName_OrigDNA,
        NULL::VARCHAR AS FileName_OrigDNA,
        NULL::VARCHAR AS URL_OrigRNA,
        NULL::VARCHAR AS PathName_OrigRNA,
        NULL::VARCHAR AS FileName_OrigRNA,
        NULL::VARCHAR AS URL_OrigER,
        NULL::VARCHAR AS PathName_OrigER,
        NULL::VARCHAR AS FileName_OrigER,
        NULL::VARCHAR AS URL_OrigAGP,
        NULL::VARCHAR AS PathName_OrigAGP,
        NULL::VARCHAR AS FileName_OrigAGP,
        NULL::VARCHAR AS URL_OrigMito,
        NULL::VARCHAR AS PathName_OrigMito,
        NULL::VARCHAR AS FileName_OrigMito,
        NULL::VARCHAR AS URL_OrigBrightfield,
        NULL::VARCHAR AS PathName_OrigBrightfield,
        NULL::VARCHAR AS FileName_OrigBrightfield,
        NULL::VARCHAR AS URL_OrigBrightfield_H,
        NULL::VARCHAR AS PathName_OrigBrightfield_H,
        NULL::VARCHAR AS FileName_OrigBrightfield_H,
        NULL::VARCHAR AS URL_OrigHighZBF,
        NULL::VARCHAR AS PathName_OrigHighZBF,
        NULL::VARCHAR AS FileName_OrigHighZBF,
        NULL::VARCHAR AS URL_OrigBrightfield_L,
        NULL::VARCHAR AS PathName_OrigBrightfield_L,
        NULL::VARCHAR AS FileName_OrigBrightfield_L,
        NULL::VARCHAR AS URL_OrigLowZBF,
        NULL::VARCHAR AS PathName_OrigLowZBF,
        NULL::VARCHAR AS FileName_OrigLowZBF,
        NULL::VARCHAR AS URL_IllumDNA,
        NULL::VARCHAR AS PathName_IllumDNA,
        NULL::VARCHAR AS FileName_IllumDNA,
        NULL::VARCHAR AS URL_IllumRNA,
        NULL::VARCHAR AS PathName_IllumRNA,
        NULL::VARCHAR AS FileName_IllumRNA,
        NULL::VARCHAR AS URL_IllumER,
        NULL::VARCHAR AS PathName_IllumER,
        NULL::VARCHAR AS FileName_IllumER,
        NULL::VARCHAR AS URL_IllumAGP,
        NULL::VARCHAR AS PathName_IllumAGP,
        NULL::VARCHAR AS FileName_IllumAGP,
        NULL::VARCHAR AS URL_IllumMito,
        NULL::VARCHAR AS PathName_IllumMito,
        NULL::VARCHAR AS FileName_IllumMito
    WHERE FALSE
    UNION ALL BY NAME
    FROM query(
        CASE
            WHEN getvariable('jump_load_data_csv') IS NULL
                THEN 'SELECT NULL AS filename WHERE FALSE'
            ELSE
                'FROM read_csv(getvariable(''jump_load_data_csv''), header = TRUE,'
                || ' delim = '','', quote = ''"'', escape = ''"'', all_varchar = TRUE,'
                || ' union_by_name = TRUE, filename = TRUE)'
        END
    )
    UNION ALL BY NAME
    FROM query(
        CASE
            WHEN getvariable('jump_load_data_parquet') IS NULL
                THEN 'SELECT NULL AS filename WHERE FALSE'
            ELSE
                'FROM read_parquet(getvariable(''jump_load_data_parquet''),'
                || ' union_by_name = TRUE, filename = TRUE)'
        END
    )
)

SELECT DISTINCT
    files.Metadata_Source,
    files.Metadata_Batch,
    files.Metadata_Plate,
    rows.Metadata_Well,
    rows.Metadata_Site::INTEGER AS Metadata_Site,
    coalesce(
        rows.URL_OrigDNA,
        jump.gallery_url(rows.PathName_OrigDNA, rows.FileName_OrigDNA)
    ) AS URL_OrigDNA,
    coalesce(
        rows.URL_OrigRNA,
        jump.gallery_url(rows.PathName_OrigRNA, rows.FileName_OrigRNA)
    ) AS URL_OrigRNA,
    coalesce(
        rows.URL_OrigER,
        jump.gallery_url(rows.PathName_OrigER, rows.FileName_OrigER)
    ) AS URL_OrigER,
    coalesce(
        rows.URL_OrigAGP,
        jump.gallery_url(rows.PathName_OrigAGP, rows.FileName_OrigAGP)
    ) AS URL_OrigAGP,
    coalesce(
        rows.URL_OrigMito,
        jump.gallery_url(rows.PathName_OrigMito, rows.FileName_OrigMito)
    ) AS URL_OrigMito,
    coalesce(
        rows.URL_OrigBrightfield,
        jump.gallery_url(rows.PathName_OrigBrightfield, rows.FileName_OrigBrightfield)
    ) AS URL_OrigBrightfield,
    coalesce(
        rows.URL_OrigBrightfield_H,
        jump.gallery_url(rows.PathName_OrigBrightfield_H, rows.FileName_OrigBrightfield_H),
        rows.URL_OrigHighZBF,
        jump.gallery_url(rows.PathName_OrigHighZBF, rows.FileName_OrigHighZBF)
    ) AS URL_OrigBrightfield_H,
    coalesce(
        rows.URL_OrigBrightfield_L,
        jump.gallery_url(rows.PathName_OrigBrightfield_L, rows.FileName_OrigBrightfield_L),
        rows.URL_OrigLowZBF,
        jump.gallery_url(rows.PathName_OrigLowZBF, rows.FileName_OrigLowZBF)
    ) AS URL_OrigBrightfield_L,
    coalesce(
        rows.URL_IllumDNA,
        jump.gallery_url(rows.PathName_IllumDNA, rows.FileName_IllumDNA)
    ) AS URL_IllumDNA,
    coalesce(
        rows.URL_IllumRNA,
        jump.gallery_url(rows.PathName_IllumRNA, rows.FileName_IllumRNA)
    ) AS URL_IllumRNA,
    coalesce(
        rows.URL_IllumER,
        jump.gallery_url(rows.PathName_IllumER, rows.FileName_IllumER)
    ) AS URL_IllumER,
    coalesce(
        rows.URL_IllumAGP,
        jump.gallery_url(rows.PathName_IllumAGP, rows.FileName_IllumAGP)
    ) AS URL_IllumAGP,
    coalesce(
        rows.URL_IllumMito,
        jump.gallery_url(rows.PathName_IllumMito, rows.FileName_IllumMito)
    ) AS URL_IllumMito
FROM rows
INNER JOIN jump.load_data_files AS files ON rows.filename = files.path;

COMMENT ON TABLE jump.load_data IS
'One row per site as its plate''s load_data lists it';
COMMENT ON COLUMN jump.load_data.Metadata_Source IS 'Source, from the folder';
COMMENT ON COLUMN jump.load_data.Metadata_Batch IS 'Batch, from the folder';
COMMENT ON COLUMN jump.load_data.Metadata_Plate IS 'Plate, from the folder';
COMMENT ON COLUMN jump.load_data.Metadata_Well IS 'Row letters and two-digit column';
COMMENT ON COLUMN jump.load_data.Metadata_Site IS
'Field of view in the well; the first is 0 in some sources, 1 in others';
COMMENT ON COLUMN jump.load_data.URL_OrigDNA IS
'Published URL of the DNA image';
COMMENT ON COLUMN jump.load_data.URL_OrigRNA IS
'Published URL of the RNA image';
COMMENT ON COLUMN jump.load_data.URL_OrigER IS
'Published URL of the ER image';
COMMENT ON COLUMN jump.load_data.URL_OrigAGP IS
'Published URL of the AGP image';
COMMENT ON COLUMN jump.load_data.URL_OrigMito IS
'Published URL of the Mito image';
COMMENT ON COLUMN jump.load_data.URL_OrigBrightfield IS
'Published URL of the Brightfield image';
COMMENT ON COLUMN jump.load_data.URL_OrigBrightfield_H IS
'Published URL of the Brightfield_H image';
COMMENT ON COLUMN jump.load_data.URL_OrigBrightfield_L IS
'Published URL of the Brightfield_L image';
COMMENT ON COLUMN jump.load_data.URL_IllumDNA IS
'Published URL of the DNA illumination function';
COMMENT ON COLUMN jump.load_data.URL_IllumRNA IS
'Published URL of the RNA illumination function';
COMMENT ON COLUMN jump.load_data.URL_IllumER IS
'Published URL of the ER illumination function';
COMMENT ON COLUMN jump.load_data.URL_IllumAGP IS
'Published URL of the AGP illumination function';
COMMENT ON COLUMN jump.load_data.URL_IllumMito IS
'Published URL of the Mito illumination function';
