-- jump.compound_sources: one row per compound and the source that supplied it.
-- key: Metadata_Compound_Source, Metadata_JCP2022
-- DISTINCT, because the published table has some rows twice.
CREATE OR REPLACE TABLE jump.compound_sources (
    Metadata_Compound_Source VARCHAR,
    Metadata_JCP2022 VARCHAR,
    PRIMARY KEY (Metadata_Compound_Source, Metadata_JCP2022)
);

INSERT INTO jump.compound_sources
SELECT DISTINCT
    Metadata_Compound_Source,
    Metadata_JCP2022
FROM read_csv(
    getvariable('jump_metadata_copy') || '/compound_source.csv.gz',
    header = TRUE, all_varchar = TRUE, comment = '', skip = 0, compression = 'gzip'
);

COMMENT ON TABLE jump.compound_sources IS 'One row per compound and the source that supplied it';
COMMENT ON COLUMN jump.compound_sources.Metadata_Compound_Source IS
'Laboratory that nominated the compound';
COMMENT ON COLUMN jump.compound_sources.Metadata_JCP2022 IS 'Identifier of the perturbation';
