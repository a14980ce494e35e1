-- pilot.compounds: one row per compound.
-- key: Metadata_JCP2022
-- The pilots know their perturbations by broad_sample: it stands where JUMP has its identifier.
CREATE OR REPLACE TABLE pilot.compounds (
    Metadata_JCP2022 VARCHAR,
    Metadata_InChIKey VARCHAR,
    Metadata_InChI VARCHAR,
    Metadata_SMILES VARCHAR,
    name VARCHAR,
    control_type VARCHAR,
    PRIMARY KEY (Metadata_JCP2022)
);

INSERT INTO pilot.compounds
SELECT
    broad_sample AS Metadata_JCP2022,
    inchikey AS Metadata_InChIKey,
    inchi AS Metadata_InChI,
    smiles AS Metadata_SMILES,
    pert_iname AS name,
    control_type
FROM read_csv(
    getvariable('pilot_platemaps') || '/JUMP-Target-1_compound_metadata.tsv',
    delim = '\t', header = TRUE, all_varchar = TRUE
)
WHERE broad_sample <> '';

COMMENT ON TABLE pilot.compounds IS 'One row per compound';
COMMENT ON COLUMN pilot.compounds.Metadata_JCP2022 IS 'Identifier: broad_sample';
COMMENT ON COLUMN pilot.compounds.Metadata_InChIKey IS 'InChIKey';
COMMENT ON COLUMN pilot.compounds.Metadata_InChI IS 'InChI';
COMMENT ON COLUMN pilot.compounds.Metadata_SMILES IS 'SMILES';
COMMENT ON COLUMN pilot.compounds.name IS 'Everyday name';
COMMENT ON COLUMN pilot.compounds.control_type IS 'negcon, poscon_... or NA';
