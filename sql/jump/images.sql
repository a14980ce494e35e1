-- jump.images: one row per image file.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site,
--      Metadata_Channel
CREATE OR REPLACE VIEW jump.images AS
WITH files AS (
    SELECT
        *,
        unnest([
            'DNA', 'RNA', 'ER', 'AGP', 'Mito',
            'Brightfield', 'Brightfield_H', 'Brightfield_L'
        ]) AS Metadata_Channel,
        unnest([
            URL_OrigDNA, URL_OrigRNA, URL_OrigER, URL_OrigAGP, URL_OrigMito,
            URL_OrigBrightfield, URL_OrigBrightfield_H, URL_OrigBrightfield_L
        ]) AS url,
        unnest([
            URL_IllumDNA, URL_IllumRNA, URL_IllumER, URL_IllumAGP, URL_IllumMito,
            NULL, NULL, NULL
        ]) AS url_illum
    FROM jump.sites
)

SELECT
    Metadata_Source,
    Metadata_Batch,
    Metadata_Plate,
    Metadata_Well,
    Metadata_Site,
    Metadata_Channel,
    Metadata_PlateType,
    Metadata_JCP2022,
    Metadata_pert_type,
    Metadata_Name,
    site_key,
    url,
    url_illum,
    nullif(concat_ws(
        '; ',
        plate_issue,
        jump.issues_of(issues, Metadata_Well, Metadata_Site, [Metadata_Channel], NULL)
    ), '') AS known_issue
FROM files
WHERE url IS NOT NULL;

COMMENT ON VIEW jump.images IS 'One row per image file';
COMMENT ON COLUMN jump.images.Metadata_Source IS 'Laboratory that made the plate';
COMMENT ON COLUMN jump.images.Metadata_Batch IS 'Batch the plate was imaged in';
COMMENT ON COLUMN jump.images.Metadata_Plate IS 'Plate barcode, text even if all digits';
COMMENT ON COLUMN jump.images.Metadata_Well IS 'Row letters and two-digit column';
COMMENT ON COLUMN jump.images.Metadata_Site IS
'Field of view in the well; the first is 0 in some sources, 1 in others';
COMMENT ON COLUMN jump.images.Metadata_Channel IS
'What is stained: DNA, RNA, ER, AGP, Mito, or a brightfield plane';
COMMENT ON COLUMN jump.images.Metadata_PlateType IS 'What the plate holds';
COMMENT ON COLUMN jump.images.Metadata_JCP2022 IS 'Identifier of the perturbation';
COMMENT ON COLUMN jump.images.Metadata_pert_type IS
'Role: trt, negcon, poscon, empty, or unknown';
COMMENT ON COLUMN jump.images.Metadata_Name IS
'Everyday name of a control, else the gene symbol';
COMMENT ON COLUMN jump.images.site_key IS 'source__batch__plate__well__site';
COMMENT ON COLUMN jump.images.known_issue IS 'What has been reported about it';
COMMENT ON COLUMN jump.images.url_illum IS
'Published URL of the illumination function of its plate and channel';
COMMENT ON COLUMN jump.images.url IS 'Published URL';
