-- idr.studies: one row per screen that was asked for: where its images are, and what they are like.
-- key: screen
-- layout says what names the images: a file of each plate (screen), a rule (ch5), or the form that
-- was asked for by its accession in BioStudies (zarr). Channels are in the order of their planes.
CREATE OR REPLACE TABLE idr.studies (
    screen VARCHAR PRIMARY KEY,
    Metadata_Source VARCHAR NOT NULL,
    Metadata_Batch VARCHAR NOT NULL,
    folder VARCHAR NOT NULL,
    zarr VARCHAR NOT NULL,
    layout VARCHAR NOT NULL CHECK (layout IN ('screen', 'ch5', 'zarr')),
    files VARCHAR,
    modality VARCHAR NOT NULL,
    fields INTEGER NOT NULL,
    frames INTEGER,
    channels VARCHAR[] NOT NULL,
    image_bytes BIGINT NOT NULL
);

INSERT INTO idr.studies
SELECT
    screen,
    split_part(screen, '-', 1) AS Metadata_Source,
    split_part(screen, '-', 2) AS Metadata_Batch,
    folder,
    zarr,
    CASE
        WHEN list_contains(getvariable('idr_zarrs')::VARCHAR[], screen) THEN 'zarr'
        ELSE layout
    END AS layout,
    files,
    modality,
    fields::INTEGER AS fields,
    frames::INTEGER AS frames,
    string_split(channels, ';') AS channels,
    image_bytes::BIGINT AS image_bytes
FROM read_csv(
    coalesce(getvariable('jumpduck_sql'), 'sql') || '/idr/studies.csv',
    header = TRUE, all_varchar = TRUE, comment = '', skip = 0
)
WHERE list_contains(getvariable('idr_screens')::VARCHAR[], screen);

COMMENT ON TABLE idr.studies IS
'One row per screen that was asked for: where its images are, and what they are like';
COMMENT ON COLUMN idr.studies.screen IS 'Study and screen: idr0013-screenA';
COMMENT ON COLUMN idr.studies.Metadata_Source IS 'Accession of the study';
COMMENT ON COLUMN idr.studies.Metadata_Batch IS 'Screen of the study';
COMMENT ON COLUMN idr.studies.folder IS 'Folder of the study';
COMMENT ON COLUMN idr.studies.zarr IS 'Accession of its OME-Zarr form in BioStudies';
COMMENT ON COLUMN idr.studies.layout IS
'What names the images: screen (a file of each plate), ch5 (a rule), zarr';
COMMENT ON COLUMN idr.studies.files IS 'The rule of layout ch5: the path of a movie';
COMMENT ON COLUMN idr.studies.modality IS 'Kind of its perturbations: compound or sirna';
COMMENT ON COLUMN idr.studies.fields IS 'Fields of view of a well';
COMMENT ON COLUMN idr.studies.frames IS 'Frames of a movie, NULL where images are still';
COMMENT ON COLUMN idr.studies.channels IS 'Its channels in the order of their planes';
COMMENT ON COLUMN idr.studies.image_bytes IS 'Bytes of an image, estimated';
