-- bbbc021.sites: one row per site with its images, and its well's compound, dose and mechanism.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site
-- The label is that of exactly this compound at exactly this dose; other doses have none. An image
-- is a member of the zip of its plate. image_bytes is an estimate: users give 839 MB as the size of
-- BBBC021_v1_images_Week1_22123.zip, which has 720 images.
CREATE OR REPLACE TABLE bbbc021.sites (
    Metadata_Source VARCHAR,
    Metadata_Batch VARCHAR,
    Metadata_Plate VARCHAR,
    Metadata_Well VARCHAR,
    Metadata_Site INTEGER,
    Metadata_Compound VARCHAR,
    Metadata_Concentration_Micromolar DOUBLE,
    Metadata_MoA VARCHAR,
    Metadata_Replicate VARCHAR,
    Metadata_pert_type VARCHAR,
    Metadata_modality VARCHAR,
    Metadata_InChIKey VARCHAR,
    Metadata_SMILES VARCHAR,
    Metadata_PlateType VARCHAR,
    site_key VARCHAR,
    site_number BIGINT,
    plate_number BIGINT,
    image_channels VARCHAR[],
    images STRUCT(channel VARCHAR, kind VARCHAR, url VARCHAR, illum VARCHAR)[],
    image_bytes BIGINT,
    plate_issue VARCHAR,
    plate_dropped BOOLEAN,
    issues STRUCT(
        well VARCHAR, site INTEGER, channel VARCHAR, consequence VARCHAR, what VARCHAR
    )[],
    PRIMARY KEY (Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site)
);

INSERT INTO bbbc021.sites
WITH files AS (
    SELECT
        line,
        Metadata_Plate,
        unnest(files) AS one
    FROM bbbc021.image_lines
    WHERE reason IS NULL
),

line_images AS (
    SELECT
        files.line,
        list(files.one.channel ORDER BY channels.position) AS image_channels,
        list({
            'channel': files.one.channel,
            'kind': channels.kind,
            'url': concat(
                getvariable('bbbc021_gallery'), '/BBBC021_v1_images_', files.Metadata_Plate,
                '.zip#member=', files.Metadata_Plate, '/', files.one.file
            ),
            'illum': NULL::VARCHAR
        } ORDER BY channels.position) AS images
    FROM files
    INNER JOIN bbbc021.channels AS channels ON files.one.channel = channels.Metadata_Channel
    GROUP BY files.line
)

SELECT
    lines.Metadata_Source,
    lines.Metadata_Batch,
    lines.Metadata_Plate,
    lines.Metadata_Well,
    lines.Metadata_Site,
    lines.Metadata_Compound,
    lines.micromolar::DOUBLE AS Metadata_Concentration_Micromolar,
    mechanisms.Metadata_MoA,
    lines.Metadata_Replicate,
    coalesce(controls.Metadata_pert_type, 'trt') AS Metadata_pert_type,
    'compound' AS Metadata_modality,
    NULL AS Metadata_InChIKey,
    compounds.Metadata_SMILES,
    'COMPOUND' AS Metadata_PlateType,
    concat_ws(
        '__', lines.Metadata_Source, lines.Metadata_Batch, lines.Metadata_Plate,
        lines.Metadata_Well, lines.Metadata_Site
    ) AS site_key,
    lines.line AS site_number,
    dense_rank() OVER (
        ORDER BY lines.Metadata_Source, lines.Metadata_Batch, lines.Metadata_Plate
    ) AS plate_number,
    line_images.image_channels,
    line_images.images,
    839000000 // 720 AS image_bytes,
    NULL AS plate_issue,
    FALSE AS plate_dropped,
    NULL AS issues
FROM bbbc021.image_lines AS lines
INNER JOIN line_images ON lines.line = line_images.line
INNER JOIN bbbc021.compounds AS compounds ON lines.Metadata_Compound = compounds.Metadata_Compound
LEFT JOIN bbbc021.mechanisms AS mechanisms
    ON
        lines.Metadata_Compound = mechanisms.Metadata_Compound
        AND lines.micromolar = mechanisms.micromolar
LEFT JOIN bbbc021.controls AS controls
    ON
        lines.Metadata_Compound = controls.Metadata_Compound
        AND controls.Metadata_Well IN ('', lines.Metadata_Well);

COMMENT ON TABLE bbbc021.sites IS
'One row per site with its images, and its well''s compound, dose and mechanism';
COMMENT ON COLUMN bbbc021.sites.Metadata_Source IS 'bbbc021 for all';
COMMENT ON COLUMN bbbc021.sites.Metadata_Batch IS 'Week that the plate was imaged in';
COMMENT ON COLUMN bbbc021.sites.Metadata_Plate IS 'Plate as published';
COMMENT ON COLUMN bbbc021.sites.Metadata_Well IS 'Row letter and two-digit column';
COMMENT ON COLUMN bbbc021.sites.Metadata_Site IS 'Field of view in the well, from 1';
COMMENT ON COLUMN bbbc021.sites.Metadata_Compound IS
'Compound as published; UNKNOWN is one of them';
COMMENT ON COLUMN bbbc021.sites.Metadata_Concentration_Micromolar IS
'Concentration in micromoles a litre; 0 for DMSO';
COMMENT ON COLUMN bbbc021.sites.Metadata_MoA IS
'Mechanism of action of this compound at this dose, DMSO for DMSO; NULL where none is published';
COMMENT ON COLUMN bbbc021.sites.Metadata_Replicate IS 'Replicate as published';
COMMENT ON COLUMN bbbc021.sites.Metadata_pert_type IS
'Role: trt, negcon (DMSO), poscon (taxol in the control wells) or unknown';
COMMENT ON COLUMN bbbc021.sites.Metadata_modality IS 'compound for all';
COMMENT ON COLUMN bbbc021.sites.Metadata_InChIKey IS 'NULL: none is published';
COMMENT ON COLUMN bbbc021.sites.Metadata_SMILES IS
'SMILES as published in BBBC021_v1_compound.csv, NULL where there is none';
COMMENT ON COLUMN bbbc021.sites.Metadata_PlateType IS 'COMPOUND for all';
COMMENT ON COLUMN bbbc021.sites.site_key IS 'source__batch__plate__well__site';
COMMENT ON COLUMN bbbc021.sites.site_number IS
'Number of the site; means nothing outside this catalog';
COMMENT ON COLUMN bbbc021.sites.plate_number IS
'Place of the plate in the order of its key; means nothing outside this catalog';
COMMENT ON COLUMN bbbc021.sites.image_channels IS 'Channels of its images';
COMMENT ON COLUMN bbbc021.sites.images IS
'Its images in the order of bbbc021.channels: channel, kind, url, and illum (always NULL)';
COMMENT ON COLUMN bbbc021.sites.image_bytes IS 'Bytes of one image in the zip, an estimate';
COMMENT ON COLUMN bbbc021.sites.plate_issue IS
'What is wrong with the whole plate, NULL if nothing';
COMMENT ON COLUMN bbbc021.sites.plate_dropped IS 'Whether the whole plate is to be left out';
COMMENT ON COLUMN bbbc021.sites.issues IS 'Known issues of parts of the plate, NULL if none';
