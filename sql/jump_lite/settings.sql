-- jump_lite.settings: one row: where this catalog was read from.
-- key: none, there is one row.
-- The release was laid out in two ways; Python finds out which one a gallery has.
CREATE SCHEMA IF NOT EXISTS jump_lite;

CREATE OR REPLACE TABLE jump_lite.settings AS
SELECT
    getvariable('jump_lite_gallery')::VARCHAR AS gallery,
    getvariable('jump_lite_endpoint')::VARCHAR AS endpoint,
    getvariable('jump_lite_images')::VARCHAR AS images,
    getvariable('jump_lite_embeddings')::VARCHAR AS embeddings,
    getvariable('jump_lite_package')::VARCHAR AS package;

COMMENT ON TABLE jump_lite.settings IS 'One row: where this catalog was read from';
COMMENT ON COLUMN jump_lite.settings.gallery IS
'Root that stands for s3://cellpainting-gallery: s3://, http(s):// or a folder';
COMMENT ON COLUMN jump_lite.settings.endpoint IS 'S3 server other than AWS, NULL for AWS itself';
COMMENT ON COLUMN jump_lite.settings.images IS 'Where its arrays are, below the gallery';
COMMENT ON COLUMN jump_lite.settings.embeddings IS
'Where its embeddings are, below the gallery: {set} stands for model and package';
COMMENT ON COLUMN jump_lite.settings.package IS 'Which packing of the arrays';
