-- jump.images: one row per image file.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site,
--      Metadata_Channel
-- The order of the list is the order of channels everywhere after.
CREATE OR REPLACE VIEW jump.images AS
WITH files AS (
    SELECT
        *,
        unnest([
            { 'channel': 'DNA', 'rank': 0, 'url': URL_OrigDNA },
            { 'channel': 'RNA', 'rank': 1, 'url': URL_OrigRNA },
            { 'channel': 'ER', 'rank': 2, 'url': URL_OrigER },
            { 'channel': 'AGP', 'rank': 3, 'url': URL_OrigAGP },
            { 'channel': 'Mito', 'rank': 4, 'url': URL_OrigMito },
            { 'channel': 'Brightfield', 'rank': 5, 'url': URL_OrigBrightfield },
            { 'channel': 'Brightfield_H', 'rank': 6, 'url': URL_OrigBrightfield_H },
            { 'channel': 'Brightfield_L', 'rank': 7, 'url': URL_OrigBrightfield_L }
        ]) AS file
    FROM jump.sites
)

SELECT
    Metadata_Source,
    Metadata_Batch,
    Metadata_Plate,
    Metadata_Well,
    Metadata_Site,
    file.channel AS Metadata_Channel,
    Metadata_PlateType,
    Metadata_JCP2022,
    Metadata_pert_type,
    Metadata_Name,
    site_key,
    file.rank AS channel_rank,
    file.url
FROM files
WHERE file.url <> '';

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
COMMENT ON COLUMN jump.images.channel_rank IS 'Place of the channel in the canonical order';
COMMENT ON COLUMN jump.images.url IS 'Published URL';
