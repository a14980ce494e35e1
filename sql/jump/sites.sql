-- jump.sites: one row per site with its well's perturbation and role.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site
-- Nothing is dropped: a site whose plate or well is in no metadata table stays, with NULLs.
-- Roles come from jump.controls alone; a perturbation that no table describes is 'unknown'.
CREATE OR REPLACE VIEW jump.sites AS
SELECT
    load_data.Metadata_Source,
    load_data.Metadata_Batch,
    load_data.Metadata_Plate,
    load_data.Metadata_Well,
    load_data.Metadata_Site,
    plates.Metadata_PlateType,
    wells.Metadata_JCP2022,
    coalesce(
        controls.Metadata_pert_type, perturbations.Metadata_pert_type, 'unknown'
    ) AS Metadata_pert_type,
    coalesce(perturbations.Metadata_Name, controls.Metadata_Name) AS Metadata_Name,
    load_data.Metadata_Source || '__' || load_data.Metadata_Batch || '__'
    || load_data.Metadata_Plate || '__' || load_data.Metadata_Well || '__'
    || load_data.Metadata_Site AS site_key,
    load_data.URL_OrigDNA,
    load_data.URL_OrigRNA,
    load_data.URL_OrigER,
    load_data.URL_OrigAGP,
    load_data.URL_OrigMito,
    load_data.URL_OrigBrightfield,
    load_data.URL_OrigBrightfield_H,
    load_data.URL_OrigBrightfield_L,
    load_data.URL_IllumDNA,
    load_data.URL_IllumRNA,
    load_data.URL_IllumER,
    load_data.URL_IllumAGP,
    load_data.URL_IllumMito
FROM jump.load_data AS load_data
LEFT JOIN jump.plates AS plates
    ON
        load_data.Metadata_Source = plates.Metadata_Source
        AND load_data.Metadata_Batch = plates.Metadata_Batch
        AND load_data.Metadata_Plate = plates.Metadata_Plate
LEFT JOIN jump.wells AS wells
    ON
        load_data.Metadata_Source = wells.Metadata_Source
        AND load_data.Metadata_Plate = wells.Metadata_Plate
        AND load_data.Metadata_Well = wells.Metadata_Well
LEFT JOIN jump.controls AS controls
    ON wells.Metadata_JCP2022 = controls.Metadata_JCP2022
LEFT JOIN jump.perturbations AS perturbations
    ON wells.Metadata_JCP2022 = perturbations.Metadata_JCP2022;

COMMENT ON VIEW jump.sites IS
'One row per site with its well''s perturbation and role';
COMMENT ON COLUMN jump.sites.Metadata_Source IS 'Laboratory that made the plate';
COMMENT ON COLUMN jump.sites.Metadata_Batch IS 'Batch the plate was imaged in';
COMMENT ON COLUMN jump.sites.Metadata_Plate IS 'Plate barcode, text even if all digits';
COMMENT ON COLUMN jump.sites.Metadata_Well IS 'Row letters and two-digit column';
COMMENT ON COLUMN jump.sites.Metadata_Site IS
'Field of view in the well; the first is 0 in some sources, 1 in others';
COMMENT ON COLUMN jump.sites.Metadata_PlateType IS 'What the plate holds';
COMMENT ON COLUMN jump.sites.Metadata_JCP2022 IS 'Identifier of the perturbation';
COMMENT ON COLUMN jump.sites.Metadata_pert_type IS
'Role: trt, negcon, poscon, empty, or unknown';
COMMENT ON COLUMN jump.sites.Metadata_Name IS
'Everyday name of a control, else the gene symbol';
COMMENT ON COLUMN jump.sites.site_key IS 'source__batch__plate__well__site';
COMMENT ON COLUMN jump.sites.URL_OrigDNA IS 'Published URL of the DNA image';
COMMENT ON COLUMN jump.sites.URL_OrigRNA IS 'Published URL of the RNA image';
COMMENT ON COLUMN jump.sites.URL_OrigER IS 'Published URL of the ER image';
COMMENT ON COLUMN jump.sites.URL_OrigAGP IS 'Published URL of the AGP image';
COMMENT ON COLUMN jump.sites.URL_OrigMito IS 'Published URL of the Mito image';
COMMENT ON COLUMN jump.sites.URL_OrigBrightfield IS 'Published URL of the Brightfield image';
COMMENT ON COLUMN jump.sites.URL_OrigBrightfield_H IS 'Published URL of the Brightfield_H image';
COMMENT ON COLUMN jump.sites.URL_OrigBrightfield_L IS 'Published URL of the Brightfield_L image';
COMMENT ON COLUMN jump.sites.URL_IllumDNA IS
'Published URL of the DNA illumination function';
COMMENT ON COLUMN jump.sites.URL_IllumRNA IS
'Published URL of the RNA illumination function';
COMMENT ON COLUMN jump.sites.URL_IllumER IS
'Published URL of the ER illumination function';
COMMENT ON COLUMN jump.sites.URL_IllumAGP IS
'Published URL of the AGP illumination function';
COMMENT ON COLUMN jump.sites.URL_IllumMito IS
'Published URL of the Mito illumination function';
