-- bbbc021.mechanisms: one row per compound and concentration with a published mechanism of action.
-- key: Metadata_Compound, micromolar
-- DMSO is among them, as published.
CREATE OR REPLACE TABLE bbbc021.mechanisms (
    Metadata_Compound VARCHAR,
    micromolar DECIMAL(18, 9),
    Metadata_MoA VARCHAR NOT NULL,
    PRIMARY KEY (Metadata_Compound, micromolar)
);

INSERT INTO bbbc021.mechanisms
SELECT
    trim(compound) AS Metadata_Compound,
    coalesce(
        try_cast(concentration AS DECIMAL(18, 9)),
        error(
            'concentration ' || coalesce(concentration, 'NULL') || ' of ' || compound
            || ' in BBBC021_v1_moa.csv is not a number; correct it'
        )::DECIMAL(18, 9)
    ) AS micromolar,
    trim(moa) AS Metadata_MoA
FROM read_csv(
    getvariable('bbbc021_mechanism_table'), delim = ',', quote = '"', escape = '"', header = TRUE,
    all_varchar = TRUE, comment = '', skip = 0
);

COMMENT ON TABLE bbbc021.mechanisms IS
'One row per compound and concentration with a published mechanism of action';
COMMENT ON COLUMN bbbc021.mechanisms.Metadata_Compound IS 'Compound as published';
COMMENT ON COLUMN bbbc021.mechanisms.micromolar IS 'Concentration in micromoles a litre, exact';
COMMENT ON COLUMN bbbc021.mechanisms.Metadata_MoA IS 'Mechanism of action as published';
