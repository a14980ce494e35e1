-- cpg.plates: one row per plate.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate
CREATE OR REPLACE TABLE cpg.plates AS
WITH listed AS ( -- noqa: ST03
    FROM read_parquet(getvariable('cpg_plates'))
)

SELECT * FROM number_plates(listed, cpg.images);

COMMENT ON TABLE cpg.plates IS 'One row per plate';
COMMENT ON COLUMN cpg.plates.Metadata_Source IS 'Laboratory that made the plate';
COMMENT ON COLUMN cpg.plates.Metadata_Batch IS 'Batch the plate was imaged in';
COMMENT ON COLUMN cpg.plates.Metadata_Plate IS 'Name of the plate';
COMMENT ON COLUMN cpg.plates.Metadata_PlateType IS 'What the plate holds, NULL if it is not said';
COMMENT ON COLUMN cpg.plates.reason IS 'What is doubtful, NULL if nothing';
COMMENT ON COLUMN cpg.plates.plate_number IS
'Place of the plate in the order of its key; means nothing outside this catalog';
