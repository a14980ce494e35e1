-- own.settings: one row: where this catalog was read from.
-- key: none, there is one row.
CREATE SCHEMA IF NOT EXISTS own;

CREATE OR REPLACE TABLE own.settings AS
SELECT
    getvariable('own_gallery')::VARCHAR AS gallery,
    getvariable('own_endpoint')::VARCHAR AS endpoint,
    getvariable('own_samplesheet')::VARCHAR AS samplesheet,
    getvariable('own_pattern')::VARCHAR AS pattern,
    getvariable('own_platemap')::VARCHAR AS platemap;

COMMENT ON TABLE own.settings IS 'One row: where this catalog was read from';
COMMENT ON COLUMN own.settings.gallery IS 'Folder or bucket of the plates';
COMMENT ON COLUMN own.settings.endpoint IS 'S3 server other than AWS, NULL for AWS itself';
COMMENT ON COLUMN own.settings.samplesheet IS 'List of the images, if there was one';
COMMENT ON COLUMN own.settings.pattern IS 'How the files are named, if that was said';
COMMENT ON COLUMN own.settings.platemap IS 'What is in the wells, if that was said';
