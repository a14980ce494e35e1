-- bbbc021.compounds: one row per compound of the image table.
-- key: Metadata_Compound
CREATE OR REPLACE TABLE bbbc021.compounds (
    Metadata_Compound VARCHAR,
    Metadata_SMILES VARCHAR,
    PRIMARY KEY (Metadata_Compound)
);

INSERT INTO bbbc021.compounds
WITH published AS (
    SELECT
        trim(compound) AS Metadata_Compound,
        trim(smiles) AS Metadata_SMILES
    FROM read_csv(
        getvariable('bbbc021_compound_table'), delim = ',', quote = '"', escape = '"',
        header = TRUE, all_varchar = TRUE, comment = '', skip = 0
    )
),

named AS (
    SELECT DISTINCT Metadata_Compound FROM bbbc021.image_lines
    WHERE reason IS NULL
)

SELECT
    named.Metadata_Compound,
    nullif(published.Metadata_SMILES, '') AS Metadata_SMILES
FROM named
LEFT JOIN published USING (Metadata_Compound);

COMMENT ON TABLE bbbc021.compounds IS 'One row per compound of the image table';
COMMENT ON COLUMN bbbc021.compounds.Metadata_Compound IS 'Name as published: its identifier';
COMMENT ON COLUMN bbbc021.compounds.Metadata_SMILES IS
'SMILES as published in BBBC021_v1_compound.csv, NULL where there is none';
