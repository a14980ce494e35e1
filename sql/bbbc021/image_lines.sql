-- bbbc021.image_lines: one row per line of the published image table, and why it cannot be used.
-- key: line
-- A line is a site with its three files. The site is in the names of the files alone:
-- [anything_]WELL_sSITE_wNUMBER[GUID].tif, where nothing parts the number from the GUID. Which
-- channel a file shows is said by its column, because the numbers have gaps. The concentration is a
-- DECIMAL, because 0.003 and 0.003000 must be the same dose and no two doses may become one.
CREATE OR REPLACE TABLE bbbc021.image_lines AS
WITH published AS MATERIALIZED (
    SELECT
        row_number() OVER () AS line,
        trim(Image_Metadata_Plate_DAPI) AS plate,
        upper(trim(Image_Metadata_Well_DAPI)) AS well,
        trim(Replicate) AS Metadata_Replicate,
        trim(Image_Metadata_Compound) AS Metadata_Compound,
        trim(Image_Metadata_Concentration) AS concentration,
        [
            {
                'channel': 'DAPI',
                'file': Image_FileName_DAPI,
                'path': Image_PathName_DAPI
            },
            {
                'channel': 'Tubulin',
                'file': Image_FileName_Tubulin,
                'path': Image_PathName_Tubulin
            },
            {
                'channel': 'Actin',
                'file': Image_FileName_Actin,
                'path': Image_PathName_Actin
            }
        ] AS files
    FROM read_csv(
        getvariable('bbbc021_image_table'), delim = ',', quote = '"', escape = '"', header = TRUE,
        all_varchar = TRUE, comment = '', skip = 0
    )
),

parsed AS (
    SELECT
        * REPLACE (
            if(
                regexp_full_match(well, '[A-P][0-9]{1,2}'),
                left(well, 1) || lpad(well[2:], 2, '0'),
                well
            ) AS well
        ),
        try_cast(concentration AS DECIMAL(18, 9)) AS micromolar,
        list_transform(
            files,
            LAMBDA one: regexp_extract(
                one.file,
                '^(?:\w[\w-]*_)?([A-P][0-9]{2})_s([0-9]{1,2})_w[0-9]'
                || '(?:[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})?[.]tiff?$',
                ['well', 'site']
            )
        ) AS names
    FROM published
),

judged AS (
    SELECT
        *,
        CASE
            WHEN NOT coalesce(regexp_full_match(plate, '[A-Za-z0-9]+_[A-Za-z0-9-]+'), FALSE)
                THEN 'the plate is not named like Week1_22123'
            WHEN NOT coalesce(regexp_full_match(well, '[A-P][0-9]{2}'), FALSE)
                THEN 'the well is not named like B02'
            WHEN list_count(list_filter(names, LAMBDA one: one.site <> '')) < len(names)
                THEN 'a file is not named like Week1_150607_B02_s1_w1GUID.tif'
            WHEN list_unique(list_transform(names, LAMBDA one: one.site)) > 1
                THEN 'its files are of different sites'
            WHEN list_bool_or(list_transform(names, LAMBDA one: one.well <> well))
                THEN 'its files are of another well'
            WHEN list_unique(list_transform(files, LAMBDA one: one.file)) < len(files)
                THEN 'two channels have the same file'
            WHEN
                NOT coalesce(list_bool_and(list_transform(
                    files, LAMBDA one: split_part(one.path, '/', -1) = plate
                )), FALSE)
                THEN 'its files are not in the folder of its plate'
            WHEN coalesce(Metadata_Compound, '') = ''
                THEN 'it names no compound'
            WHEN
                micromolar IS NULL
                OR micromolar < 0
                OR micromolar::DOUBLE <> try_cast(concentration AS DOUBLE)
                THEN 'the concentration is not a number from 0 with at most 9 decimals'
        END AS reason
    FROM parsed
)

SELECT
    line,
    'bbbc021' AS Metadata_Source,
    split_part(plate, '_', 1) AS Metadata_Batch,
    plate AS Metadata_Plate,
    well AS Metadata_Well,
    if(reason IS NULL, names[1].site::INTEGER, NULL) AS Metadata_Site,
    Metadata_Replicate,
    Metadata_Compound,
    micromolar,
    files,
    reason
FROM judged;

COMMENT ON TABLE bbbc021.image_lines IS
'One row per line of the published image table, and why it cannot be used';
COMMENT ON COLUMN bbbc021.image_lines.line IS 'Number of the line, the header not counted';
COMMENT ON COLUMN bbbc021.image_lines.Metadata_Source IS 'bbbc021 for all';
COMMENT ON COLUMN bbbc021.image_lines.Metadata_Batch IS 'Week: the plate up to its first _';
COMMENT ON COLUMN bbbc021.image_lines.Metadata_Plate IS 'Plate as published';
COMMENT ON COLUMN bbbc021.image_lines.Metadata_Well IS 'Row letter and two-digit column';
COMMENT ON COLUMN bbbc021.image_lines.Metadata_Site IS
'Field of view, from the names of the files; NULL if the line cannot be used';
COMMENT ON COLUMN bbbc021.image_lines.Metadata_Replicate IS 'Replicate as published';
COMMENT ON COLUMN bbbc021.image_lines.Metadata_Compound IS 'Compound as published';
COMMENT ON COLUMN bbbc021.image_lines.micromolar IS 'Concentration in micromoles a litre, exact';
COMMENT ON COLUMN bbbc021.image_lines.files IS 'Channel, file and path of each image';
COMMENT ON COLUMN bbbc021.image_lines.reason IS 'Why it cannot be used, NULL if it can';
