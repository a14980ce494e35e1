-- jump.site_files(...): one row per site to fetch, with lists of its files.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site
-- The arguments of jump.manifest, which is this with a row per file. A channel that the site does
-- not have is NULL in url. To sort and hand over sites takes a fifth of what it takes with files.
CREATE OR REPLACE MACRO jump.site_files(
    first_plate := 1,
    last_plate := 2147483647,
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
    SELECT
        sites.*,
        microscopes.Metadata_Pixel_Size_Microns,
        settings.gallery,
        sites.Metadata_Source || '/' || sites.Metadata_Batch || '/' || sites.Metadata_Plate || '/'
        || sites.site_key AS path_start,
        jump.of_channels(channels, [
            'DNA', 'RNA', 'ER', 'AGP', 'Mito',
            'Brightfield', 'Brightfield_H', 'Brightfield_L'
        ]) AS asked,
        jump.of_channels(channels, [
            '__DNA', '__RNA', '__ER', '__AGP', '__Mito',
            '__Brightfield', '__Brightfield_H', '__Brightfield_L'
        ]) AS path_ends,
        jump.of_channels(channels, [
            sites.URL_OrigDNA, sites.URL_OrigRNA, sites.URL_OrigER,
            sites.URL_OrigAGP, sites.URL_OrigMito,
            sites.URL_OrigBrightfield, sites.URL_OrigBrightfield_H, sites.URL_OrigBrightfield_L
        ]) AS images,
        CASE
            WHEN illum
                THEN jump.of_channels(channels, [
                    sites.URL_IllumDNA, sites.URL_IllumRNA, sites.URL_IllumER,
                    sites.URL_IllumAGP, sites.URL_IllumMito, NULL, NULL, NULL
                ])
            ELSE jump.of_channels(channels, [NULL::VARCHAR FOR one IN range(8)])
        END AS illums
    FROM jump.sites AS sites
    CROSS JOIN jump.settings AS settings
    LEFT JOIN jump.microscopes AS microscopes
        ON sites.Metadata_Source = microscopes.Metadata_Source
    SEMI JOIN jump.sample_sites(
        first_plate := first_plate,
        last_plate := last_plate,
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
    WHERE sites.plate_number BETWEEN first_plate AND last_plate
)

SELECT
    Metadata_Source,
    Metadata_Batch,
    Metadata_Plate,
    Metadata_Well,
    Metadata_Site,
    Metadata_JCP2022,
    Metadata_Name,
    Metadata_pert_type,
    Metadata_PlateType,
    Metadata_Pixel_Size_Microns,
    asked AS Metadata_Channel,
    CASE
        WHEN gallery = 's3://cellpainting-gallery' THEN images
        ELSE [jump.read_url(one, gallery) FOR one IN images]
    END AS url,
    CASE
        WHEN NOT illum OR gallery = 's3://cellpainting-gallery' THEN illums
        ELSE [jump.read_url(one, gallery) FOR one IN illums]
    END AS url_illum,
    [path_start || one FOR one IN path_ends] AS path,
    CASE
        WHEN issues IS NULL THEN [plate_issue FOR one IN asked]
        ELSE [
            nullif(concat_ws(
                '; ',
                plate_issue,
                jump.issues_of(issues, Metadata_Well, Metadata_Site, [channel], NULL)
            ), '')
            FOR channel IN asked
        ]
    END AS known_issue
FROM chosen;

COMMENT ON MACRO TABLE jump.site_files IS -- noqa: PRS
'One row per site to fetch, with lists of its files';
