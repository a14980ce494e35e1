-- jump.plates: one row per plate.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate
-- Names of source_2 and source_6 are all digits, hence all_varchar.
CREATE OR REPLACE TABLE jump.plates (
    Metadata_Source VARCHAR,
    Metadata_Batch VARCHAR,
    Metadata_Plate VARCHAR,
    Metadata_PlateType VARCHAR,
    PRIMARY KEY (Metadata_Source, Metadata_Batch, Metadata_Plate)
);

INSERT INTO jump.plates
SELECT
    Metadata_Source,
    Metadata_Batch,
    Metadata_Plate,
    Metadata_PlateType
FROM read_csv(
    getvariable('jump_metadata_copy') || '/plate.csv.gz',
    header = TRUE, all_varchar = TRUE, comment = '', skip = 0, compression = 'gzip'
);

COMMENT ON TABLE jump.plates IS 'One row per plate';
COMMENT ON COLUMN jump.plates.Metadata_Source IS 'Laboratory that made the plate';
COMMENT ON COLUMN jump.plates.Metadata_Batch IS 'Batch the plate was imaged in';
COMMENT ON COLUMN jump.plates.Metadata_Plate IS 'Plate barcode, text even if all digits';
COMMENT ON COLUMN jump.plates.Metadata_PlateType IS
'What the plate holds: COMPOUND, ORF, CRISPR, TARGET1, TARGET2, DMSO ...';
