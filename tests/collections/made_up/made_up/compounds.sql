-- made_up.compounds: one row per compound.
CREATE OR REPLACE TABLE made_up.compounds (
    Metadata_Compound VARCHAR PRIMARY KEY,
    Metadata_Name VARCHAR,
    Metadata_pert_type VARCHAR
);

INSERT INTO made_up.compounds
FROM read_csv(
    coalesce(getvariable('jumpduck_sql'), 'sql') || '/made_up/compounds.csv',
    header = TRUE, all_varchar = TRUE
);
