-- jump.load_data_lines: one row per line of load_data.
-- key: none, a line may stand there twice.
-- All published forms: URL_* columns, or PathName_* + FileName_*; csv or parquet; with or without
-- illum, brightfield and columns about the instrument. Source, batch and plate come from the
-- folder: some files do not say them, and some say a name that no other table knows.
-- A line that cannot be a site says why in reason. Of lines for the same site one is kept: the
-- first by its images, whatever the order of files and threads. What the metadata say of the well
-- is joined here, once, because joins of eight million lines are what takes time; a line whose
-- well is in no metadata table stays, with NULLs.
SET VARIABLE jump_parquet_files = (
    SELECT list(as_pattern(path) ORDER BY path) FROM jump.load_data_files
    WHERE form = 'parquet'
);
SET VARIABLE jump_csv_files = (
    SELECT list(as_pattern(path) ORDER BY path) FROM jump.load_data_files
    WHERE form = 'csv'
);

-- CSV files are read as whole lines (the separator does not occur in them) and split here, so that
-- a line with another number of values than the header is one line with a reason. DuckDB's own way
-- would fill its values up, or end the build. The header is the line that names Metadata_Well, and
-- may be there again, as in files that were joined. Where two of them differ, no line of the file
-- is a site: because lines are read in no order, nothing says which header a line is under.
-- new_line and strict_mode make lines that end in several ways be read as they are, without the
-- loss of a letter or the end of the build; max_line_size is the text of a file at most that Python
-- reads.
SET VARIABLE jump_csv_lines = CASE
    WHEN getvariable('jump_csv_files') IS NULL
        THEN
            'SELECT NULL::VARCHAR AS filename, NULL::VARCHAR AS line, NULL::VARCHAR[] AS fields,'
            || ' NULL::BOOLEAN AS is_header WHERE FALSE'
    ELSE
        'SELECT filename, line, jump.split_line(line) AS fields, contains(line, ''Metadata_Well'')'
        || ' AND coalesce(list_contains(fields, ''Metadata_Well''), FALSE) AS is_header'
        || ' FROM read_csv(getvariable(''jump_csv_files''), auto_detect = FALSE, header = FALSE,'
        || ' columns = {''line'': ''VARCHAR''}, delim = E''\x1d\x1e\x1f\x1c'', quote = '''','
        || ' escape = '''', new_line = ''\n'', strict_mode = FALSE, max_line_size = 268435456,'
        || ' filename = TRUE) WHERE line <> '''''
END;
SET VARIABLE jump_csv_headers = (
    WITH headers AS (
        SELECT
            filename,
            jump.split_line(min(line)) AS columns,
            count(DISTINCT fields) > 1 AS differ
        FROM query(getvariable('jump_csv_lines'))
        WHERE is_header
        GROUP BY filename
    )

    SELECT list(struct_pack(filename := filename, columns := columns, differ := differ))
    FROM headers
);

-- Three pieces of SQL are made from jump.load_data_columns. The first names every column that is
-- looked for, so that a file without one gives NULLs. The second takes the values of those that CSV
-- files have. The third makes the list of a line's images: of each channel the first URL that is
-- there. Channel and kind are ENUMs, because with a number for each image the catalog is a third
-- smaller than with text.
SET VARIABLE jump_columns = (
    SELECT
        list(part || '_' || column_name ORDER BY column_name, part)
        || ['Metadata_Well', 'Metadata_Site']
    FROM jump.load_data_columns
    CROSS JOIN unnest(['URL', 'PathName', 'FileName']) AS parts (part)
);
SET VARIABLE jump_no_columns = (
    SELECT string_agg(format('NULL::VARCHAR AS "{}"', column_name), ', ')
    FROM unnest(getvariable('jump_columns')) AS columns (column_name)
);
SET VARIABLE jump_csv_values = (
    WITH existing AS (
        SELECT DISTINCT unnest(header.columns) AS column_name
        FROM unnest(getvariable('jump_csv_headers')) AS headers (header)
    )

    SELECT
        'WITH headers AS (SELECT header.filename AS filename, len(header.columns) AS columns,'
        || ' header.differ AS differ, '
        || string_agg(
            format('list_position(header.columns, ''{0}'') AS "at_{0}"', column_name), ', '
        )
        || ' FROM unnest(getvariable(''jump_csv_headers'')) AS every (header))'
        || ' SELECT filename, CASE'
        || ' WHEN differ THEN ''headers that differ in one file'''
        || ' WHEN fields IS NULL THEN ''a quote that does not end'''
        || ' WHEN len(fields) > columns THEN ''more values than columns'''
        || ' WHEN len(fields) < columns THEN ''fewer values than columns'''
        || ' END AS line_problem, '
        || string_agg(
            format(
                'CASE WHEN line_problem IS NULL THEN fields["at_{0}"] END AS "{0}"',
                column_name
            ),
            ', '
        )
        || ' FROM query(getvariable(''jump_csv_lines'')) INNER JOIN headers USING (filename)'
        || ' WHERE NOT is_header'
    FROM existing
    WHERE list_contains(getvariable('jump_columns'), column_name)
);
SET VARIABLE jump_images = (
    WITH urls AS (
        SELECT
            Metadata_Channel,
            purpose,
            format(
                'main.read_url(coalesce({}), getvariable(''jump_gallery''))',
                string_agg(url, ', ' ORDER BY name_order)
            ) AS url
        FROM jump.load_data_columns
        GROUP BY ALL
    ),

    names AS (
        SELECT
            string_agg('''' || Metadata_Channel || '''', ', ' ORDER BY position) AS channels,
            '''stain'', ''brightfield'', ''other''' AS kinds
        FROM jump.channels
    )

    SELECT
        'list_filter([' || string_agg(
            '{' || format(
                '''channel'': ''{}''::ENUM({}), ''kind'': ''{}''::ENUM({}), ''url'': {}, '
                || '''illum'': {}',
                channels.Metadata_Channel, names.channels,
                channels.kind, names.kinds, images.url, illums.url
            ) || '}',
            ', ' ORDER BY channels.position
        ) || '], lambda image: image.url IS NOT NULL)'
    FROM jump.channels AS channels
    CROSS JOIN names
    INNER JOIN urls AS images
        ON channels.Metadata_Channel = images.Metadata_Channel AND images.purpose = 'Orig'
    INNER JOIN urls AS illums
        ON channels.Metadata_Channel = illums.Metadata_Channel AND illums.purpose = 'Illum'
);

CREATE OR REPLACE TABLE jump.load_data_lines AS
WITH tables AS (
    FROM query(
        'SELECT NULL::VARCHAR AS filename, NULL::VARCHAR AS Metadata_Source,'
        || ' NULL::VARCHAR AS Metadata_Batch, NULL::VARCHAR AS Metadata_Plate,'
        || ' NULL::VARCHAR AS line_problem, ' || getvariable('jump_no_columns') || ' WHERE FALSE'
    )
    UNION ALL BY NAME
    FROM query(coalesce(getvariable('jump_csv_values'), 'SELECT NULL AS filename WHERE FALSE'))
    UNION ALL BY NAME
    FROM query(
        CASE
            WHEN getvariable('jump_parquet_files') IS NULL
                THEN 'SELECT NULL AS filename WHERE FALSE'
            ELSE
                'FROM read_parquet(getvariable(''jump_parquet_files''),'
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

found AS (
    SELECT
        filename,
        Metadata_Source,
        Metadata_Batch,
        Metadata_Plate,
        line_problem,
        jump.given(
            COLUMNS(LAMBDA name: list_contains(getvariable('jump_columns'), name))
        )
    FROM tables
),

placed AS (
    SELECT
        found.* EXCLUDE (Metadata_Source, Metadata_Batch, Metadata_Plate),
        -- '2.5' is not site 3, which a cast alone would make of it
        CASE
            WHEN regexp_full_match(Metadata_Site, '[0-9]{1,9}(\.0*)?')
                THEN try_cast(split_part(Metadata_Site, '.', 1) AS INTEGER)
        END AS site_number,
        coalesce(named.plate_number, listed.plate_number) AS plate_number
    FROM found
    LEFT JOIN jump.load_data_files AS named
        ON found.filename = named.path AND named.form <> 'index'
    LEFT JOIN jump.load_data_files AS listed
        ON
            found.Metadata_Source = listed.Metadata_Source
            AND found.Metadata_Batch = listed.Metadata_Batch
            AND found.Metadata_Plate = listed.Metadata_Plate
            AND listed.form = 'index'
),

wells AS (
    SELECT
        files.plate_number,
        treatments.Metadata_Well,
        numbers.perturbation_number,
        treatments.Metadata_JCP2022,
        treatments.Metadata_Name,
        treatments.Metadata_pert_type,
        treatments.Metadata_modality
    FROM jump.load_data_files AS files
    INNER JOIN jump.treatments AS treatments
        ON
            files.Metadata_Source = treatments.Metadata_Source
            AND files.Metadata_Plate = treatments.Metadata_Plate
    LEFT JOIN jump.site_perturbations AS numbers
        ON treatments.Metadata_JCP2022 = numbers.Metadata_JCP2022
),

described AS ( -- noqa: ST03
    SELECT
        placed.*,
        coalesce(wells.perturbation_number, 0) AS perturbation_number,
        wells.Metadata_JCP2022,
        wells.Metadata_Name,
        wells.Metadata_pert_type,
        wells.Metadata_modality
    FROM placed
    LEFT JOIN wells
        ON
            placed.plate_number = wells.plate_number
            AND placed.Metadata_Well = wells.Metadata_Well
)

SELECT
    plate_number,
    Metadata_Well,
    site_number AS Metadata_Site,
    perturbation_number,
    Metadata_JCP2022,
    Metadata_Name,
    coalesce(Metadata_pert_type, 'unknown') AS Metadata_pert_type,
    Metadata_modality,
    [image.channel FOR image IN images] AS image_channels,
    images,
    CASE
        WHEN line_problem IS NOT NULL THEN line_problem
        WHEN plate_number IS NULL THEN 'no source, batch or plate'
        WHEN coalesce(NOT regexp_full_match(Metadata_Well, '[A-Z]{1,2}[0-9]{2}'), TRUE)
            THEN
                'no well: '
                || coalesce(regexp_replace(left(Metadata_Well, 30), '\pC', '?', 'g'), 'empty')
        WHEN site_number IS NULL
            THEN
                'no site number: '
                || coalesce(regexp_replace(left(Metadata_Site, 30), '\pC', '?', 'g'), 'empty')
        WHEN len(images) = 0 THEN 'no image'
    END AS reason
FROM query('SELECT *, ' || getvariable('jump_images') || ' AS images FROM described');

UPDATE jump.load_data_lines SET reason = 'the same site again'
WHERE rowid IN (
    WITH doubled AS (
        -- the hash only finds candidates in little memory; the key decides below
        SELECT hash(plate_number, Metadata_Well, Metadata_Site) AS digest FROM jump.load_data_lines
        GROUP BY digest
        HAVING count(*) > 1
    ),

    ranked AS (
        SELECT
            again.rowid AS line,
            row_number() OVER (
                PARTITION BY again.plate_number, again.Metadata_Well, again.Metadata_Site
                ORDER BY again.images
            ) AS place
        FROM jump.load_data_lines AS again
        INNER JOIN doubled
            ON
                hash(again.plate_number, again.Metadata_Well, again.Metadata_Site)
                = doubled.digest
        WHERE again.reason IS NULL
    )

    SELECT line FROM ranked
    WHERE place > 1
);

COMMENT ON TABLE jump.load_data_lines IS 'One row per line of load_data';
COMMENT ON COLUMN jump.load_data_lines.plate_number IS
'Plate in jump.load_data_files; means nothing outside this catalog';
COMMENT ON COLUMN jump.load_data_lines.Metadata_Well IS 'Row letters and two-digit column';
COMMENT ON COLUMN jump.load_data_lines.Metadata_Site IS
'Field of view in the well; the first is 0 in some sources, 1 in others';
COMMENT ON COLUMN jump.load_data_lines.perturbation_number IS
'Row of jump.site_perturbations that describes its perturbation';
COMMENT ON COLUMN jump.load_data_lines.Metadata_JCP2022 IS 'Identifier of the perturbation';
COMMENT ON COLUMN jump.load_data_lines.Metadata_Name IS
'Everyday name of a control, else the gene symbol';
COMMENT ON COLUMN jump.load_data_lines.Metadata_pert_type IS
'Role: trt, negcon, poscon, empty (untreated cells), bad_construct, or unknown';
COMMENT ON COLUMN jump.load_data_lines.Metadata_modality IS
'compound, orf, crispr, any (no reagent), or NULL (unknown)';
COMMENT ON COLUMN jump.load_data_lines.image_channels IS 'Channels of its images';
COMMENT ON COLUMN jump.load_data_lines.images IS
'Its images in the order of jump.channels: channel, kind, url, and illum (URL of the function)';
COMMENT ON COLUMN jump.load_data_lines.reason IS
'Why the line is not a site of its own, NULL if it is one';
