-- idr.settings: one row: where this catalog was read from.
-- key: none, there is one row.
CREATE SCHEMA IF NOT EXISTS idr;

CREATE OR REPLACE TABLE idr.settings AS
SELECT
    rtrim(
        coalesce(getvariable('idr_gallery'), 'https://ftp.ebi.ac.uk/pub/databases/IDR'), '/'
    ) AS gallery,
    rtrim(
        coalesce(
            getvariable('idr_gallery'), 'https://uk1s3.embassy.ebi.ac.uk/bia-integrator-data'
        ),
        '/'
    ) AS zarr_gallery,
    getvariable('idr_endpoint')::VARCHAR AS endpoint,
    getvariable('idr_metadata')::VARCHAR AS metadata;

COMMENT ON TABLE idr.settings IS 'One row: where this catalog was read from';
COMMENT ON COLUMN idr.settings.gallery IS 'Root of the files as the studies deposited them';
COMMENT ON COLUMN idr.settings.zarr_gallery IS 'Root of the OME-Zarr form of the studies';
COMMENT ON COLUMN idr.settings.endpoint IS 'S3 server other than AWS, NULL for AWS itself';
COMMENT ON COLUMN idr.settings.metadata IS 'Root of the published tables';
