-- cpg.wells: one row per well of a platemap.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well
CREATE OR REPLACE TABLE cpg.wells AS
WITH listed AS ( -- noqa: ST03
    FROM read_parquet(getvariable('cpg_wells'))
)

SELECT * FROM describe_wells(listed);

COMMENT ON TABLE cpg.wells IS 'One row per well of a platemap';
COMMENT ON COLUMN cpg.wells.Metadata_Source IS 'Laboratory that made the plate';
COMMENT ON COLUMN cpg.wells.Metadata_Batch IS 'Batch the plate was imaged in';
COMMENT ON COLUMN cpg.wells.Metadata_Plate IS 'Name of the plate';
COMMENT ON COLUMN cpg.wells.Metadata_Well IS 'Row letters and two-digit column';
COMMENT ON COLUMN cpg.wells.Metadata_Perturbation IS 'Identifier of the perturbation';
COMMENT ON COLUMN cpg.wells.Metadata_pert_type IS
'Role: trt, negcon, poscon, empty (untreated cells), bad_construct, or unknown';
COMMENT ON COLUMN cpg.wells.Metadata_modality IS
'compound, orf, crispr, any (no reagent), or NULL (unknown)';
COMMENT ON COLUMN cpg.wells.Metadata_Name IS 'Everyday name of the perturbation';
COMMENT ON COLUMN cpg.wells.Metadata_InChIKey IS 'InChIKey of a compound';
COMMENT ON COLUMN cpg.wells.Metadata_Concentration IS 'Concentration, in the unit of the platemap';
COMMENT ON COLUMN cpg.wells.Metadata_Pixel_Size_Microns IS
'Edge of a pixel in micrometres, NULL if it is not said';
COMMENT ON COLUMN cpg.wells.reason IS 'What is doubtful, NULL if nothing';
COMMENT ON COLUMN cpg.wells.is_used IS 'Whether the row says what is in the well';
