-- bbbc021.settings: one row: where this catalog was read from.
-- key: none, there is one row.
-- bbbc021_gallery is where the zips are, bbbc021_metadata the folder of the three tables. Python
-- fetches and checks the tables, and names its copies with bbbc021_image_table,
-- bbbc021_mechanism_table and bbbc021_compound_table. The last is not needed: without it, no
-- compound has a SMILES.
CREATE SCHEMA IF NOT EXISTS bbbc021;

SET VARIABLE bbbc021_gallery = rtrim(
    coalesce(getvariable('bbbc021_gallery'), 'https://data.broadinstitute.org/bbbc/BBBC021'), '/'
);
SET VARIABLE bbbc021_metadata = rtrim(
    coalesce(getvariable('bbbc021_metadata'), 'https://data.broadinstitute.org/bbbc/BBBC021'), '/'
);
SET VARIABLE bbbc021_image_table = coalesce(
    getvariable('bbbc021_image_table'),
    as_pattern(getvariable('bbbc021_metadata')) || '/BBBC021_v1_image.csv'
);
SET VARIABLE bbbc021_mechanism_table = coalesce(
    getvariable('bbbc021_mechanism_table'),
    as_pattern(getvariable('bbbc021_metadata')) || '/BBBC021_v1_moa.csv'
);
SET VARIABLE bbbc021_compound_table = coalesce(
    getvariable('bbbc021_compound_table'),
    coalesce(getvariable('jumpduck_sql'), 'sql') || '/bbbc021/no_compounds.csv'
);

CREATE OR REPLACE TABLE bbbc021.settings AS
SELECT
    getvariable('bbbc021_gallery')::VARCHAR AS gallery,
    getvariable('bbbc021_endpoint')::VARCHAR AS endpoint,
    getvariable('bbbc021_metadata')::VARCHAR AS metadata,
    getvariable('bbbc021_revision')::VARCHAR AS revision;

COMMENT ON TABLE bbbc021.settings IS 'One row: where this catalog was read from';
COMMENT ON COLUMN bbbc021.settings.gallery IS
'Folder of the zips: s3://, http(s):// or a local folder';
COMMENT ON COLUMN bbbc021.settings.endpoint IS
'S3 server other than AWS, NULL for AWS itself';
COMMENT ON COLUMN bbbc021.settings.metadata IS 'Folder of the published tables';
COMMENT ON COLUMN bbbc021.settings.revision IS 'Which tables it was: a digest of them';
