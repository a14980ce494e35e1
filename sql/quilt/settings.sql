-- quilt.settings: one row: which package this catalog was read from.
-- key: none, there is one row.
CREATE SCHEMA IF NOT EXISTS quilt;

CREATE OR REPLACE TABLE quilt.settings AS
SELECT
    getvariable('quilt_gallery')::VARCHAR AS gallery,
    getvariable('quilt_endpoint')::VARCHAR AS endpoint,
    getvariable('quilt_bucket')::VARCHAR AS bucket,
    getvariable('quilt_user')::VARCHAR AS package_user,
    getvariable('quilt_name')::VARCHAR AS package_name,
    getvariable('quilt_top_hash')::VARCHAR AS top_hash;

COMMENT ON TABLE quilt.settings IS 'One row: which package this catalog was read from';
COMMENT ON COLUMN quilt.settings.gallery IS
'Root that stands for the bucket: s3://, http(s):// or a folder';
COMMENT ON COLUMN quilt.settings.endpoint IS 'S3 server other than AWS, NULL for AWS itself';
COMMENT ON COLUMN quilt.settings.bucket IS 'Bucket that the package is published in';
COMMENT ON COLUMN quilt.settings.package_user IS 'First part of the name of the package';
COMMENT ON COLUMN quilt.settings.package_name IS 'Second part of the name of the package';
COMMENT ON COLUMN quilt.settings.top_hash IS
'Revision of the package: SHA-256 over all that its manifest says, but where the files are';
