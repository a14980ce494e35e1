-- own.plates: one row per plate.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate
CREATE OR REPLACE TABLE own.plates AS
WITH listed AS ( -- noqa: ST03
    FROM read_parquet(getvariable('own_plates'))
)

SELECT * FROM number_plates(listed, own.images);

COMMENT ON TABLE own.plates IS 'One row per plate';
COMMENT ON COLUMN own.plates.Metadata_Source IS 'Laboratory that made the plate';
COMMENT ON COLUMN own.plates.Metadata_Batch IS 'Batch the plate was imaged in';
COMMENT ON COLUMN own.plates.Metadata_Plate IS 'Name of the plate';
COMMENT ON COLUMN own.plates.Metadata_PlateType IS 'What the plate holds, NULL if it is not said';
COMMENT ON COLUMN own.plates.reason IS 'What is doubtful, NULL if nothing';
COMMENT ON COLUMN own.plates.plate_number IS
'Place of the plate in the order of its key; means nothing outside this catalog';
