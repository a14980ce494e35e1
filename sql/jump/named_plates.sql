-- jump.named_plates: one row per plate that the table of plates or that of wells names.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate
-- Some plates have wells and stand in no table of plates: only the folder of their load_data says
-- their batch.
CREATE OR REPLACE VIEW jump.named_plates AS
WITH named AS (
    SELECT
        Metadata_Source,
        Metadata_Plate
    FROM jump.plates
    UNION
    SELECT
        Metadata_Source,
        Metadata_Plate
    FROM jump.wells
)

SELECT
    named.Metadata_Source,
    plates.Metadata_Batch,
    named.Metadata_Plate,
    plates.Metadata_PlateType
FROM named
LEFT JOIN jump.plates AS plates
    ON
        named.Metadata_Source = plates.Metadata_Source
        AND named.Metadata_Plate = plates.Metadata_Plate;

COMMENT ON VIEW jump.named_plates IS
'One row per plate that the table of plates or that of wells names';
COMMENT ON COLUMN jump.named_plates.Metadata_Source IS 'Laboratory that made the plate';
COMMENT ON COLUMN jump.named_plates.Metadata_Batch IS
'Batch the plate was imaged in, NULL if only wells name the plate';
COMMENT ON COLUMN jump.named_plates.Metadata_Plate IS 'Plate barcode, text even if all digits';
COMMENT ON COLUMN jump.named_plates.Metadata_PlateType IS
'What the plate holds, NULL if only wells name the plate';
