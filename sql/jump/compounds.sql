-- jump.compounds: one row per compound.
-- key: Metadata_JCP2022
-- The first SELECT names every column we use: a release without one of them (SMILES came late)
-- gives NULLs instead of an error.
CREATE OR REPLACE TABLE jump.compounds (
    Metadata_JCP2022 VARCHAR,
    Metadata_InChIKey VARCHAR,
    Metadata_InChI VARCHAR,
    Metadata_SMILES VARCHAR,
    PRIMARY KEY (Metadata_JCP2022)
);

INSERT INTO jump.compounds
WITH published AS (
    SELECT
        NULL::VARCHAR AS Metadata_JCP2022,
        NULL::VARCHAR AS Metadata_InChIKey,
        NULL::VARCHAR AS Metadata_InChI,
        NULL::VARCHAR AS Metadata_SMILES
    WHERE FALSE
    UNION ALL BY NAME
    FROM read_csv(
        getvariable('jump_metadata_copy') || '/compound.csv.gz',
        header = TRUE, all_varchar = TRUE, comment = '', skip = 0, compression = 'gzip'
    )
)

SELECT
    Metadata_JCP2022,
    Metadata_InChIKey,
    Metadata_InChI,
    Metadata_SMILES
FROM published;

COMMENT ON TABLE jump.compounds IS 'One row per compound';
COMMENT ON COLUMN jump.compounds.Metadata_JCP2022 IS 'Identifier of the perturbation';
COMMENT ON COLUMN jump.compounds.Metadata_InChIKey IS
'InChIKey as published; most carry no stereochemistry';
COMMENT ON COLUMN jump.compounds.Metadata_InChI IS 'InChI as published';
COMMENT ON COLUMN jump.compounds.Metadata_SMILES IS 'SMILES as published';
