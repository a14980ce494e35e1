-- jump.manifest(...): one row per file to fetch.
-- key: path
-- The arguments of jump.sample_sites, and whether the illumination functions come along. One plate
-- after the other, in an order that depends on the keys alone.
CREATE OR REPLACE MACRO jump.manifest(
    sources := NULL,
    batches := NULL,
    plates := NULL,
    plate_types := NULL,
    wells := NULL,
    perturbations := NULL,
    roles := NULL,
    predicate := 'TRUE',
    with_controls := FALSE,
    channels := ['DNA', 'RNA', 'ER', 'AGP', 'Mito'],
    keep_known_bad := FALSE,
    trt := 6,
    poscon := 4,
    negcon := 3,
    empty := 0,
    unknown := 0,
    seed := 0,
    max_sites := NULL,
    max_gb := NULL,
    illum := FALSE
) AS TABLE
WITH chosen AS NOT MATERIALIZED (
    -- sorted as sites, five times fewer than files; what follows keeps the order
    SELECT
        sites.*,
        microscopes.Metadata_Pixel_Size_Microns
    FROM jump.sites AS sites
    LEFT JOIN jump.microscopes AS microscopes
        ON sites.Metadata_Source = microscopes.Metadata_Source
    SEMI JOIN jump.sample_sites(
        sources := sources,
        batches := batches,
        plates := plates,
        plate_types := plate_types,
        wells := wells,
        perturbations := perturbations,
        roles := roles,
        predicate := predicate,
        with_controls := with_controls,
        channels := channels,
        keep_known_bad := keep_known_bad,
        trt := trt,
        poscon := poscon,
        negcon := negcon,
        empty := empty,
        unknown := unknown,
        seed := seed,
        max_sites := max_sites,
        max_gb := max_gb
    ) AS sampled
        ON sites.site_number = sampled.site_number
    ORDER BY
        sites.Metadata_Source,
        sites.Metadata_Batch,
        sites.Metadata_Plate,
        sites.Metadata_Well,
        sites.Metadata_Site
),

asked AS (
    SELECT
        *,
        unnest(jump.ordered_channels(channels)) AS channel
    FROM chosen
),

files AS (
    SELECT
        *,
        jump.by_channel(
            channel,
            URL_OrigDNA, URL_OrigRNA, URL_OrigER, URL_OrigAGP, URL_OrigMito,
            URL_OrigBrightfield, URL_OrigBrightfield_H, URL_OrigBrightfield_L
        ) AS url,
        jump.by_channel(
            channel,
            URL_IllumDNA, URL_IllumRNA, URL_IllumER, URL_IllumAGP, URL_IllumMito,
            NULL, NULL, NULL
        ) AS url_illum
    FROM asked
)

SELECT
    Metadata_Source,
    Metadata_Batch,
    Metadata_Plate,
    Metadata_Well,
    Metadata_Site,
    channel AS Metadata_Channel,
    Metadata_JCP2022,
    Metadata_Name,
    Metadata_pert_type,
    Metadata_PlateType,
    Metadata_Pixel_Size_Microns,
    'image' AS kind,
    jump.read_url(url) AS url,
    CASE WHEN illum THEN jump.read_url(url_illum) END AS url_illum,
    Metadata_Source || '/' || Metadata_Batch || '/' || Metadata_Plate || '/'
    || site_key || '__' || channel || '.png' AS path,
    jump.issues_of(issues, Metadata_Well, Metadata_Site, [channel], NULL) AS known_issue
FROM files
WHERE url <> '';

COMMENT ON MACRO TABLE jump.manifest IS 'One row per file to fetch'; -- noqa: PRS
