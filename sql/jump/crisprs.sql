-- jump.crisprs: one row per gene knock-out.
-- key: Metadata_JCP2022
CREATE OR REPLACE TABLE jump.crisprs (
    Metadata_JCP2022 VARCHAR,
    Metadata_Symbol VARCHAR,
    Metadata_NCBI_Gene_ID VARCHAR,
    PRIMARY KEY (Metadata_JCP2022)
);

INSERT INTO jump.crisprs
SELECT
    Metadata_JCP2022,
    Metadata_Symbol,
    Metadata_NCBI_Gene_ID
FROM read_csv(
    getvariable('jump_metadata_copy') || '/crispr.csv.gz',
    header = TRUE, all_varchar = TRUE, comment = '', skip = 0, compression = 'gzip'
);

COMMENT ON TABLE jump.crisprs IS 'One row per gene knock-out';
COMMENT ON COLUMN jump.crisprs.Metadata_JCP2022 IS 'Identifier of the perturbation';
COMMENT ON COLUMN jump.crisprs.Metadata_Symbol IS 'Gene symbol';
COMMENT ON COLUMN jump.crisprs.Metadata_NCBI_Gene_ID IS 'NCBI gene number, as text';
