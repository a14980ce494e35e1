-- jump.manifest(...): one row per file to fetch.
-- key: path
-- The arguments of jump.sample_sites, and whether the illumination functions come along. One plate
-- after the other, in an order that depends on the keys alone.
CREATE OR REPLACE MACRO jump.manifest(
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
WITH sorted AS NOT MATERIALIZED (
    -- sorted as sites, five times fewer than files; what follows keeps the order
    SELECT * FROM jump.site_files(
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
        max_gb := max_gb,
        illum := illum
    )
    ORDER BY
        Metadata_Source,
        Metadata_Batch,
        Metadata_Plate,
        Metadata_Well,
        Metadata_Site
),

files AS (
    SELECT
        Metadata_Source,
        Metadata_Batch,
        Metadata_Plate,
        Metadata_Well,
        Metadata_Site,
        unnest(Metadata_Channel) AS Metadata_Channel,
        Metadata_JCP2022,
        Metadata_Name,
        Metadata_pert_type,
        Metadata_PlateType,
        Metadata_Pixel_Size_Microns,
        unnest(url) AS url,
        unnest(url_illum) AS url_illum,
        unnest(path) AS path,
        unnest(known_issue) AS known_issue
    FROM sorted
)

FROM files
WHERE url IS NOT NULL;

COMMENT ON MACRO TABLE jump.manifest IS 'One row per file to fetch'; -- noqa: PRS
