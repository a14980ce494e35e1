-- bbbc021.plates: one row per plate.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate
CREATE OR REPLACE VIEW bbbc021.plates AS
SELECT DISTINCT
    Metadata_Source,
    Metadata_Batch,
    Metadata_Plate,
    'COMPOUND' AS Metadata_PlateType
FROM bbbc021.image_lines
WHERE reason IS NULL;

COMMENT ON VIEW bbbc021.plates IS 'One row per plate';
COMMENT ON COLUMN bbbc021.plates.Metadata_Source IS 'bbbc021 for all';
COMMENT ON COLUMN bbbc021.plates.Metadata_Batch IS 'Week that the plate was imaged in';
COMMENT ON COLUMN bbbc021.plates.Metadata_Plate IS 'Plate as published';
COMMENT ON COLUMN bbbc021.plates.Metadata_PlateType IS 'COMPOUND for all';
