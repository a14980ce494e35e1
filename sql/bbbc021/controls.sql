-- bbbc021.controls: one row per compound, and well if it matters, that is not a treatment.
-- key: Metadata_Compound, Metadata_Well
-- No published table says which wells are controls. DMSO is the solvent. Taxol at 0.3 micromolar is
-- in the same six wells of the first and last column of every plate; elsewhere it is a treatment.
-- Metadata_Well is empty where every well of the compound has the role.
CREATE OR REPLACE TABLE bbbc021.controls (
    Metadata_Compound VARCHAR,
    Metadata_Well VARCHAR,
    Metadata_pert_type VARCHAR NOT NULL,
    PRIMARY KEY (Metadata_Compound, Metadata_Well)
);

INSERT INTO bbbc021.controls
SELECT
    Metadata_Compound,
    coalesce(Metadata_Well, '') AS Metadata_Well,
    Metadata_pert_type
FROM read_csv(
    coalesce(getvariable('jumpduck_sql'), 'sql') || '/bbbc021/controls.csv',
    header = TRUE, all_varchar = TRUE, comment = '', skip = 0
);

COMMENT ON TABLE bbbc021.controls IS
'One row per compound, and well if it matters, that is not a treatment';
COMMENT ON COLUMN bbbc021.controls.Metadata_Compound IS 'Name of the compound as published';
COMMENT ON COLUMN bbbc021.controls.Metadata_Well IS 'Well; empty for every well of the compound';
COMMENT ON COLUMN bbbc021.controls.Metadata_pert_type IS 'Role: negcon, poscon or unknown';
