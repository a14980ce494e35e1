-- jump.sites: one row per site with its well's perturbation and role.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site
CREATE OR REPLACE VIEW jump.sites AS
SELECT
    lines.Metadata_Source,
    lines.Metadata_Batch,
    lines.Metadata_Plate,
    lines.Metadata_Well,
    lines.Metadata_Site,
    lines.Metadata_PlateType,
    lines.Metadata_JCP2022,
    lines.Metadata_pert_type,
    lines.Metadata_Name,
    lines.Metadata_Source || '__' || lines.Metadata_Batch || '__' || lines.Metadata_Plate
    || '__' || lines.Metadata_Well || '__' || lines.Metadata_Site AS site_key,
    lines.rowid AS site_number,
    lines.plate_number,
    plate_issues.plate_issue,
    coalesce(plate_issues.plate_dropped, FALSE) AS plate_dropped,
    plate_issues.issues,
    lines.URL_OrigDNA,
    lines.URL_OrigRNA,
    lines.URL_OrigER,
    lines.URL_OrigAGP,
    lines.URL_OrigMito,
    lines.URL_OrigBrightfield,
    lines.URL_OrigBrightfield_H,
    lines.URL_OrigBrightfield_L,
    lines.URL_IllumDNA,
    lines.URL_IllumRNA,
    lines.URL_IllumER,
    lines.URL_IllumAGP,
    lines.URL_IllumMito
FROM jump.load_rows AS lines
LEFT JOIN jump.plate_issues AS plate_issues
    ON
        lines.Metadata_Source = plate_issues.Metadata_Source
        AND lines.Metadata_Batch = plate_issues.Metadata_Batch
        AND lines.Metadata_Plate = plate_issues.Metadata_Plate
WHERE lines.reason IS NULL;

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
COMMENT ON COLUMN jump.sites.plate_issue IS
'What is wrong with the whole plate, NULL if nothing';
COMMENT ON COLUMN jump.sites.plate_dropped IS 'Whether the whole plate is to be left out';
COMMENT ON COLUMN jump.sites.issues IS 'Known issues of parts of the plate, NULL if none';
COMMENT ON COLUMN jump.sites.site_number IS
'Line of jump.load_rows; means nothing outside this catalog';
COMMENT ON COLUMN jump.sites.plate_number IS
'Place of the plate in the order of its key; means nothing outside this catalog';
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
