-- jump.load_rows: one row per line of load_data.
-- key: none, a line may stand there twice.
-- All published forms: URL_* columns, or PathName_* + FileName_*; csv or parquet; with or without
-- illum, brightfield and columns about the instrument. The first SELECT of "rows" names every
-- column we use, so that a plate without one gives NULLs. Source, batch and plate come from the
-- folder: some files do not say them, and some say a name that no other table knows.
-- A line that cannot be a site says why in reason. Of lines for the same site one is kept: the
-- first by its URLs, whatever the order of files and threads. What the metadata say of the well
-- and plate is joined here, once, because joins of eight million lines are what takes time; a line
-- whose plate or well is in no metadata table stays, with NULLs.
SET VARIABLE jump_load_data_csv = (
    SELECT list(path ORDER BY path) FROM jump.load_data_files
    WHERE form = 'csv'
);
SET VARIABLE jump_load_data_parquet = (
    SELECT list(path ORDER BY path) FROM jump.load_data_files
    WHERE form = 'parquet'
);

CREATE OR REPLACE TABLE jump.load_rows AS
WITH rows AS (
    SELECT
        NULL::VARCHAR AS filename,
        NULL::VARCHAR AS Metadata_Source,
        NULL::VARCHAR AS Metadata_Batch,
        NULL::VARCHAR AS Metadata_Plate,
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
    UNION ALL BY NAME
    FROM query(
        CASE
            WHEN getvariable('jump_index') IS NULL
                THEN 'SELECT NULL AS filename WHERE FALSE'
            ELSE 'FROM read_parquet(getvariable(''jump_index''))'
        END
    )
),

plates AS (
    SELECT
        files.*,
        plates.Metadata_PlateType
    FROM jump.load_data_files AS files
    LEFT JOIN jump.plates AS plates
        ON
            files.Metadata_Source = plates.Metadata_Source
            AND files.Metadata_Batch = plates.Metadata_Batch
            AND files.Metadata_Plate = plates.Metadata_Plate
),

wells AS (
    SELECT
        plates.plate_number,
        treatments.* EXCLUDE (Metadata_Source, Metadata_Plate)
    FROM plates
    INNER JOIN jump.treatments AS treatments
        ON
            plates.Metadata_Source = treatments.Metadata_Source
            AND plates.Metadata_Plate = treatments.Metadata_Plate
),

lines AS (
    SELECT
        rows.* EXCLUDE (Metadata_Source, Metadata_Batch, Metadata_Plate),
        coalesce(named.Metadata_Source, rows.Metadata_Source) AS Metadata_Source,
        coalesce(named.Metadata_Batch, rows.Metadata_Batch) AS Metadata_Batch,
        coalesce(named.Metadata_Plate, rows.Metadata_Plate) AS Metadata_Plate,
        coalesce(named.Metadata_PlateType, listed.Metadata_PlateType) AS Metadata_PlateType,
        coalesce(named.plate_number, listed.plate_number) AS plate_number
    FROM rows
    LEFT JOIN plates AS named
        ON rows.filename = named.path AND named.form <> 'index'
    LEFT JOIN plates AS listed
        ON
            rows.Metadata_Source = listed.Metadata_Source
            AND rows.Metadata_Batch = listed.Metadata_Batch
            AND rows.Metadata_Plate = listed.Metadata_Plate
            AND listed.form = 'index'
)

SELECT
    lines.Metadata_Source,
    lines.Metadata_Batch,
    lines.Metadata_Plate,
    lines.plate_number,
    lines.Metadata_Well,
    try_cast(lines.Metadata_Site AS INTEGER) AS Metadata_Site,
    lines.Metadata_PlateType,
    wells.Metadata_JCP2022,
    coalesce(wells.Metadata_pert_type, 'unknown') AS Metadata_pert_type,
    wells.Metadata_Name,
    CASE
        WHEN lines.plate_number IS NULL THEN 'no source, batch or plate'
        WHEN coalesce(NOT regexp_full_match(lines.Metadata_Well, '[A-Z]{1,2}[0-9]{2}'), TRUE)
            THEN 'no well: ' || coalesce(lines.Metadata_Well, 'empty')
        WHEN try_cast(lines.Metadata_Site AS INTEGER) IS NULL
            THEN 'no site number: ' || coalesce(lines.Metadata_Site, 'empty')
    END AS reason,
    coalesce(
        nullif(lines.URL_OrigDNA, ''),
        jump.gallery_url(lines.PathName_OrigDNA, lines.FileName_OrigDNA)
    ) AS URL_OrigDNA,
    coalesce(
        nullif(lines.URL_OrigRNA, ''),
        jump.gallery_url(lines.PathName_OrigRNA, lines.FileName_OrigRNA)
    ) AS URL_OrigRNA,
    coalesce(
        nullif(lines.URL_OrigER, ''),
        jump.gallery_url(lines.PathName_OrigER, lines.FileName_OrigER)
    ) AS URL_OrigER,
    coalesce(
        nullif(lines.URL_OrigAGP, ''),
        jump.gallery_url(lines.PathName_OrigAGP, lines.FileName_OrigAGP)
    ) AS URL_OrigAGP,
    coalesce(
        nullif(lines.URL_OrigMito, ''),
        jump.gallery_url(lines.PathName_OrigMito, lines.FileName_OrigMito)
    ) AS URL_OrigMito,
    coalesce(
        nullif(lines.URL_OrigBrightfield, ''),
        jump.gallery_url(lines.PathName_OrigBrightfield, lines.FileName_OrigBrightfield)
    ) AS URL_OrigBrightfield,
    coalesce(
        nullif(lines.URL_OrigBrightfield_H, ''),
        jump.gallery_url(lines.PathName_OrigBrightfield_H, lines.FileName_OrigBrightfield_H),
        nullif(lines.URL_OrigHighZBF, ''),
        jump.gallery_url(lines.PathName_OrigHighZBF, lines.FileName_OrigHighZBF)
    ) AS URL_OrigBrightfield_H,
    coalesce(
        nullif(lines.URL_OrigBrightfield_L, ''),
        jump.gallery_url(lines.PathName_OrigBrightfield_L, lines.FileName_OrigBrightfield_L),
        nullif(lines.URL_OrigLowZBF, ''),
        jump.gallery_url(lines.PathName_OrigLowZBF, lines.FileName_OrigLowZBF)
    ) AS URL_OrigBrightfield_L,
    coalesce(
        nullif(lines.URL_IllumDNA, ''),
        jump.gallery_url(lines.PathName_IllumDNA, lines.FileName_IllumDNA)
    ) AS URL_IllumDNA,
    coalesce(
        nullif(lines.URL_IllumRNA, ''),
        jump.gallery_url(lines.PathName_IllumRNA, lines.FileName_IllumRNA)
    ) AS URL_IllumRNA,
    coalesce(
        nullif(lines.URL_IllumER, ''),
        jump.gallery_url(lines.PathName_IllumER, lines.FileName_IllumER)
    ) AS URL_IllumER,
    coalesce(
        nullif(lines.URL_IllumAGP, ''),
        jump.gallery_url(lines.PathName_IllumAGP, lines.FileName_IllumAGP)
    ) AS URL_IllumAGP,
    coalesce(
        nullif(lines.URL_IllumMito, ''),
        jump.gallery_url(lines.PathName_IllumMito, lines.FileName_IllumMito)
    ) AS URL_IllumMito
FROM lines
LEFT JOIN wells
    ON
        lines.plate_number = wells.plate_number
        AND lines.Metadata_Well = wells.Metadata_Well;

UPDATE jump.load_rows SET reason = 'the same site again'
WHERE rowid IN (
    WITH twice AS (
        -- the hash only finds candidates in little memory; the key decides below
        SELECT hash(plate_number, Metadata_Well, Metadata_Site) AS digest FROM jump.load_rows
        GROUP BY digest
        HAVING count(*) > 1
    ),

    ranked AS (
        SELECT
            again.rowid AS line,
            row_number() OVER (
                PARTITION BY again.plate_number, again.Metadata_Well, again.Metadata_Site
                ORDER BY
                    again.URL_OrigDNA, again.URL_OrigRNA, again.URL_OrigER,
                    again.URL_OrigAGP, again.URL_OrigMito
            ) AS place
        FROM jump.load_rows AS again
        INNER JOIN twice
            ON
                hash(again.plate_number, again.Metadata_Well, again.Metadata_Site) = twice.digest
        WHERE again.reason IS NULL
    )

    SELECT line FROM ranked
    WHERE place > 1
);

COMMENT ON TABLE jump.load_rows IS 'One row per line of load_data';
COMMENT ON COLUMN jump.load_rows.Metadata_Source IS 'Source, from the folder';
COMMENT ON COLUMN jump.load_rows.Metadata_Batch IS 'Batch, from the folder';
COMMENT ON COLUMN jump.load_rows.Metadata_Plate IS 'Plate, from the folder';
COMMENT ON COLUMN jump.load_rows.plate_number IS
'Place of the plate in the order of its key; means nothing outside this catalog';
COMMENT ON COLUMN jump.load_rows.Metadata_Well IS 'Row letters and two-digit column';
COMMENT ON COLUMN jump.load_rows.Metadata_Site IS
'Field of view in the well; the first is 0 in some sources, 1 in others';
COMMENT ON COLUMN jump.load_rows.Metadata_PlateType IS 'What the plate holds';
COMMENT ON COLUMN jump.load_rows.Metadata_JCP2022 IS 'Identifier of the perturbation';
COMMENT ON COLUMN jump.load_rows.Metadata_pert_type IS
'Role: trt, negcon, poscon, empty, or unknown';
COMMENT ON COLUMN jump.load_rows.Metadata_Name IS
'Everyday name of a control, else the gene symbol';
COMMENT ON COLUMN jump.load_rows.reason IS
'Why the line is no site of its own, NULL if it is one';
COMMENT ON COLUMN jump.load_rows.URL_OrigDNA IS
'Published URL of the DNA image';
COMMENT ON COLUMN jump.load_rows.URL_OrigRNA IS
'Published URL of the RNA image';
COMMENT ON COLUMN jump.load_rows.URL_OrigER IS
'Published URL of the ER image';
COMMENT ON COLUMN jump.load_rows.URL_OrigAGP IS
'Published URL of the AGP image';
COMMENT ON COLUMN jump.load_rows.URL_OrigMito IS
'Published URL of the Mito image';
COMMENT ON COLUMN jump.load_rows.URL_OrigBrightfield IS
'Published URL of the Brightfield image';
COMMENT ON COLUMN jump.load_rows.URL_OrigBrightfield_H IS
'Published URL of the Brightfield_H image';
COMMENT ON COLUMN jump.load_rows.URL_OrigBrightfield_L IS
'Published URL of the Brightfield_L image';
COMMENT ON COLUMN jump.load_rows.URL_IllumDNA IS
'Published URL of the DNA illumination function';
COMMENT ON COLUMN jump.load_rows.URL_IllumRNA IS
'Published URL of the RNA illumination function';
COMMENT ON COLUMN jump.load_rows.URL_IllumER IS
'Published URL of the ER illumination function';
COMMENT ON COLUMN jump.load_rows.URL_IllumAGP IS
'Published URL of the AGP illumination function';
COMMENT ON COLUMN jump.load_rows.URL_IllumMito IS
'Published URL of the Mito illumination function';
