-- jump.manifest(...): one row per file to fetch.
-- key: path
-- The arguments of jump.sample_sites, and the channels to keep. One plate after the other, in an
-- order that depends on the keys alone.
CREATE OR REPLACE MACRO jump.manifest(
    sources := NULL,
    batches := NULL,
    plates := NULL,
    plate_types := NULL,
    wells := NULL,
    perturbations := NULL,
    channels := ['DNA', 'RNA', 'ER', 'AGP', 'Mito'],
    trt := 6,
    poscon := 4,
    negcon := 3,
    empty := 0,
    unknown := 0,
    seed := 0
) AS TABLE
SELECT
    images.Metadata_Source,
    images.Metadata_Batch,
    images.Metadata_Plate,
    images.Metadata_Well,
    images.Metadata_Site,
    images.Metadata_Channel,
    images.Metadata_JCP2022,
    images.Metadata_Name,
    images.Metadata_pert_type,
    images.Metadata_PlateType,
    'image' AS kind,
    jump.read_url(images.url) AS url,
    images.Metadata_Source || '/' || images.Metadata_Batch || '/' || images.Metadata_Plate || '/'
    || images.site_key || '__' || images.Metadata_Channel || '.png' AS path
FROM jump.images AS images
SEMI JOIN jump.sample_sites(
    sources := sources,
    batches := batches,
    plates := plates,
    plate_types := plate_types,
    wells := wells,
    perturbations := perturbations,
    trt := trt,
    poscon := poscon,
    negcon := negcon,
    empty := empty,
    unknown := unknown,
    seed := seed
) AS sampled
    ON
        images.Metadata_Source = sampled.Metadata_Source
        AND images.Metadata_Batch = sampled.Metadata_Batch
        AND images.Metadata_Plate = sampled.Metadata_Plate
        AND images.Metadata_Well = sampled.Metadata_Well
        AND images.Metadata_Site = sampled.Metadata_Site
WHERE list_contains(channels::VARCHAR[], images.Metadata_Channel)
ORDER BY
    images.Metadata_Source,
    images.Metadata_Batch,
    images.Metadata_Plate,
    images.Metadata_Well,
    images.Metadata_Site,
    images.channel_rank;

COMMENT ON MACRO TABLE jump.manifest IS -- noqa: PRS
'One row per file to fetch';
