-- cpg.settings: one row: where this catalog was read from.
-- key: none, there is one row.
CREATE SCHEMA IF NOT EXISTS cpg;

CREATE OR REPLACE TABLE cpg.settings AS
SELECT
    getvariable('cpg_gallery')::VARCHAR AS gallery,
    getvariable('cpg_endpoint')::VARCHAR AS endpoint,
    getvariable('cpg_project')::VARCHAR AS project,
    getvariable('cpg_metadata')::VARCHAR AS metadata,
    (
        SELECT projects.title
        FROM read_csv(
            coalesce(getvariable('jumpduck_sql'), 'sql') || '/cpg/projects.csv',
            header = TRUE, all_varchar = TRUE, comment = '', skip = 0
        ) AS projects
        WHERE projects.project = getvariable('cpg_project')
    ) AS title;

COMMENT ON TABLE cpg.settings IS 'One row: where this catalog was read from';
COMMENT ON COLUMN cpg.settings.gallery IS
'Root that stands for s3://cellpainting-gallery: s3:// or a folder';
COMMENT ON COLUMN cpg.settings.endpoint IS 'S3 server other than AWS, NULL for AWS itself';
COMMENT ON COLUMN cpg.settings.project IS 'Folder of the project inside the gallery';
COMMENT ON COLUMN cpg.settings.metadata IS
'Folder of the platemaps, NULL for those in the gallery';
COMMENT ON COLUMN cpg.settings.title IS 'What the project is, NULL if jumpduck does not know it';
