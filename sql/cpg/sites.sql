-- cpg.sites: one row per site with its images.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site
CREATE OR REPLACE TABLE cpg.sites AS
SELECT * FROM list_sites(cpg.images, cpg.channels, cpg.plates, cpg.wells)
ORDER BY site_number;

COMMENT ON TABLE cpg.sites IS 'One row per site with its images';
COMMENT ON COLUMN cpg.sites.Metadata_Source IS 'Laboratory that made the plate';
COMMENT ON COLUMN cpg.sites.Metadata_Batch IS 'Batch the plate was imaged in';
COMMENT ON COLUMN cpg.sites.Metadata_Plate IS 'Name of the plate';
COMMENT ON COLUMN cpg.sites.Metadata_Well IS 'Row letters and two-digit column';
COMMENT ON COLUMN cpg.sites.Metadata_Site IS 'Field of view in the well';
COMMENT ON COLUMN cpg.sites.Metadata_Perturbation IS
'Identifier of the perturbation, NULL if no platemap describes the well';
COMMENT ON COLUMN cpg.sites.Metadata_pert_type IS
'Role: trt, negcon, poscon, empty (untreated cells), bad_construct, or unknown';
COMMENT ON COLUMN cpg.sites.Metadata_modality IS
'compound, orf, crispr, any (no reagent), or NULL (unknown)';
COMMENT ON COLUMN cpg.sites.Metadata_Name IS 'Everyday name of the perturbation';
COMMENT ON COLUMN cpg.sites.Metadata_InChIKey IS 'InChIKey of a compound';
COMMENT ON COLUMN cpg.sites.Metadata_Concentration IS 'Concentration, in the unit of the platemap';
COMMENT ON COLUMN cpg.sites.Metadata_PlateType IS 'What the plate holds, NULL if it is not said';
COMMENT ON COLUMN cpg.sites.Metadata_Pixel_Size_Microns IS
'Edge of a pixel in micrometres, NULL if it is not said';
COMMENT ON COLUMN cpg.sites.site_key IS 'source__batch__plate__well__site';
COMMENT ON COLUMN cpg.sites.site_number IS
'Number of the site; means nothing outside this catalog';
COMMENT ON COLUMN cpg.sites.plate_number IS
'Place of the plate in the order of its key; means nothing outside this catalog';
COMMENT ON COLUMN cpg.sites.image_channels IS 'Channels of its images';
COMMENT ON COLUMN cpg.sites.images IS
'Its images in the order of cpg.channels: channel, kind, url, and illum (URL of the function)';
COMMENT ON COLUMN cpg.sites.image_bytes IS 'Bytes of one image, an estimate where nobody said it';
COMMENT ON COLUMN cpg.sites.plate_issue IS 'NULL: no known issue of a plate is published';
COMMENT ON COLUMN cpg.sites.plate_dropped IS 'FALSE: no plate is left out';
COMMENT ON COLUMN cpg.sites.issues IS 'NULL: no known issue of an image is published';
