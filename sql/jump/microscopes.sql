-- jump.microscopes: one row per source and how it imaged.
-- key: Metadata_Source
CREATE OR REPLACE TABLE jump.microscopes (
    Metadata_Source VARCHAR,
    Metadata_Microscope_Name VARCHAR,
    Metadata_Widefield_vs_Confocal VARCHAR,
    Metadata_Excitation_Type VARCHAR,
    Metadata_Objective_NA DOUBLE,
    Metadata_Sites_Per_Well INTEGER,
    Metadata_Filter_Configuration VARCHAR,
    Metadata_Pixel_Size_Microns DOUBLE,
    PRIMARY KEY (Metadata_Source)
);

INSERT INTO jump.microscopes
SELECT
    Metadata_Source,
    Metadata_Microscope_Name,
    Metadata_Widefield_vs_Confocal,
    Metadata_Excitation_Type,
    Metadata_Objective_NA::DOUBLE AS Metadata_Objective_NA,
    Metadata_Sites_Per_Well::INTEGER AS Metadata_Sites_Per_Well,
    Metadata_Filter_Configuration,
    Metadata_Pixel_Size_Microns::DOUBLE AS Metadata_Pixel_Size_Microns
FROM read_csv(
    getvariable('jump_metadata_copy') || '/microscope_config.csv',
    header = TRUE, all_varchar = TRUE, comment = '', skip = 0
);

COMMENT ON TABLE jump.microscopes IS 'One row per source and how it imaged';
COMMENT ON COLUMN jump.microscopes.Metadata_Source IS 'Laboratory that made the plate';
COMMENT ON COLUMN jump.microscopes.Metadata_Microscope_Name IS 'Microscope';
COMMENT ON COLUMN jump.microscopes.Metadata_Widefield_vs_Confocal IS 'Widefield or Confocal';
COMMENT ON COLUMN jump.microscopes.Metadata_Excitation_Type IS 'Laser or LED';
COMMENT ON COLUMN jump.microscopes.Metadata_Objective_NA IS 'Numerical aperture of the objective';
COMMENT ON COLUMN jump.microscopes.Metadata_Sites_Per_Well IS 'Fields of view in a full well';
COMMENT ON COLUMN jump.microscopes.Metadata_Filter_Configuration IS
'Letter of the filter set in jump.microscope_filters';
COMMENT ON COLUMN jump.microscopes.Metadata_Pixel_Size_Microns IS
'Edge of a pixel in micrometres';
