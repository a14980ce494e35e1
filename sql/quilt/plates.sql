-- quilt.plates: one row per plate that has images.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate
CREATE OR REPLACE VIEW quilt.plates AS
SELECT DISTINCT
    Metadata_Source,
    Metadata_Batch,
    Metadata_Plate,
    Metadata_PlateType
FROM quilt.sites;

COMMENT ON VIEW quilt.plates IS 'One row per plate that has images';
COMMENT ON COLUMN quilt.plates.Metadata_Source IS 'User of the package';
COMMENT ON COLUMN quilt.plates.Metadata_Batch IS 'Name of the package';
COMMENT ON COLUMN quilt.plates.Metadata_Plate IS
'Plate; the name of the package if it names none';
COMMENT ON COLUMN quilt.plates.Metadata_PlateType IS 'package, because it says nothing of plates';
