-- jump.concentrations: one row per rule that says what concentration compounds were used at.
-- key: none, a rule may hold for any source and plate type.
-- Published in words: "Quirks and details" of the JUMP hub (treatments at 10 uM, those of source_7
-- at 0.625, positive controls at 5) and jump-cellpainting/datasets#132 (plates of the Target sets
-- at 5). A rule for a plate type comes before one for a source, and that before one for all. The
-- figures are those of cpg0016: another project has no rows.
CREATE OR REPLACE TABLE jump.concentrations (
    Metadata_pert_type VARCHAR NOT NULL CHECK (Metadata_pert_type IN ('trt', 'poscon')),
    Metadata_Source VARCHAR,
    Metadata_PlateType VARCHAR,
    micromolar DOUBLE NOT NULL,
    origin VARCHAR NOT NULL
);

INSERT INTO jump.concentrations
SELECT
    Metadata_pert_type,
    Metadata_Source,
    Metadata_PlateType,
    micromolar::DOUBLE AS micromolar,
    origin
FROM read_csv(
    coalesce(getvariable('jumpduck_sql'), 'sql') || '/jump/concentrations.csv',
    header = TRUE, all_varchar = TRUE, comment = '', skip = 0
)
WHERE getvariable('jump_project') = 'cpg0016-jump';

COMMENT ON TABLE jump.concentrations IS
'One row per rule that says what concentration compounds were used at';
COMMENT ON COLUMN jump.concentrations.Metadata_pert_type IS 'Role that it holds for: trt or poscon';
COMMENT ON COLUMN jump.concentrations.Metadata_Source IS 'Source that it holds for, NULL for all';
COMMENT ON COLUMN jump.concentrations.Metadata_PlateType IS
'Plate type that it holds for, NULL for all';
COMMENT ON COLUMN jump.concentrations.micromolar IS 'Concentration in micromoles a litre';
COMMENT ON COLUMN jump.concentrations.origin IS 'Where it is published';
