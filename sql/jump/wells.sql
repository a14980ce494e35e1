-- jump.wells: one row per well and what was put in it.
-- key: Metadata_Source, Metadata_Plate, Metadata_Well
CREATE OR REPLACE TABLE jump.wells (
    Metadata_Source VARCHAR,
    Metadata_Plate VARCHAR,
    Metadata_Well VARCHAR,
    Metadata_JCP2022 VARCHAR,
    PRIMARY KEY (Metadata_Source, Metadata_Plate, Metadata_Well)
);

INSERT INTO jump.wells
SELECT
    Metadata_Source,
    Metadata_Plate,
    Metadata_Well,
    Metadata_JCP2022
FROM read_csv(
    getvariable('jump_metadata_copy') || '/well.csv.gz', header = TRUE, all_varchar = TRUE
);

COMMENT ON TABLE jump.wells IS 'One row per well and what was put in it';
COMMENT ON COLUMN jump.wells.Metadata_Source IS 'Laboratory that made the plate';
COMMENT ON COLUMN jump.wells.Metadata_Plate IS 'Plate barcode, text even if all digits';
COMMENT ON COLUMN jump.wells.Metadata_Well IS 'Row letters and two-digit column: A01 ... AF48';
COMMENT ON COLUMN jump.wells.Metadata_JCP2022 IS 'Identifier of the perturbation';
