-- jump.settings: one row: where this catalog was read from.
-- key: none, there is one row.
-- Where to read is said with SET VARIABLE before the driver runs. It is kept in a table because a
-- variable belongs to one connection: a view over it would break in the next one.
CREATE SCHEMA IF NOT EXISTS jump;

SET VARIABLE jump_gallery = rtrim(
    coalesce(getvariable('jump_gallery'), 's3://cellpainting-gallery'), '/'
);
SET VARIABLE jump_project = coalesce(getvariable('jump_project'), 'cpg0016-jump');
SET VARIABLE jump_metadata = rtrim(
    coalesce(
        getvariable('jump_metadata'),
        'https://raw.githubusercontent.com/jump-cellpainting/datasets/'
        || '016e865fa0691244e0860943e41c7d6a88ed2580/metadata'
    ),
    '/'
);
-- A local copy of the metadata folder to read instead, when somebody has fetched one, as a pattern.
-- What reads a .csv.gz of it names the compression, because DuckDB does not see the end of a name
-- behind a ? in the path.
SET VARIABLE jump_metadata_copy = coalesce(
    getvariable('jump_metadata_copy'), as_pattern(getvariable('jump_metadata'))
);

CREATE OR REPLACE TABLE jump.settings AS
SELECT
    getvariable('jump_gallery')::VARCHAR AS gallery,
    getvariable('jump_endpoint')::VARCHAR AS endpoint,
    getvariable('jump_project')::VARCHAR AS project,
    getvariable('jump_metadata')::VARCHAR AS metadata,
    getvariable('jump_revision')::VARCHAR AS revision,
    coalesce(getvariable('jump_site_index'), getvariable('jump_index'))::VARCHAR AS site_index,
    getvariable('jump_profiles_unread')::VARCHAR AS profiles_unread;

COMMENT ON TABLE jump.settings IS 'One row: where this catalog was read from';
COMMENT ON COLUMN jump.settings.gallery IS
'Root that stands for s3://cellpainting-gallery: s3://, http(s):// or a folder';
COMMENT ON COLUMN jump.settings.endpoint IS
'S3 server other than AWS, NULL for AWS itself';
COMMENT ON COLUMN jump.settings.project IS
'Folder of the collection inside the gallery';
COMMENT ON COLUMN jump.settings.metadata IS
'Folder of the published metadata tables';
COMMENT ON COLUMN jump.settings.revision IS
'Which metadata it was: a commit, or a digest of the files';
COMMENT ON COLUMN jump.settings.site_index IS
'Site index that was read instead of load_data, if any';
COMMENT ON COLUMN jump.settings.profiles_unread IS
'Why the list of published profiles could not be had, NULL if it could or was not tried';
