-- main.list_files(chosen, sites, ...): one row per file to fetch, which is a manifest.
-- key: path
-- chosen says which sites (by site_number), sites is the collection's relation that holds their
-- images: because image lists are wide, they are read only for the sites that are chosen. channels
-- NULL means all; illum brings the URL of the illumination function along. Every column of sites
-- that begins with Metadata_ comes along, and split, which split_sites adds. The order depends on
-- the keys alone, then on the collection's order of channels: sites are sorted, which are fewer
-- than files, and what follows keeps the order. Images are unnested first and filtered after,
-- because that is the fastest.
CREATE OR REPLACE MACRO main.list_files(
    chosen, -- noqa: LT01
    sites,
    channels := NULL,
    illum := FALSE
) AS TABLE
WITH sorted_sites AS NOT MATERIALIZED (
    SELECT
        *,
        Metadata_Source || '/' || Metadata_Batch || '/' || Metadata_Plate || '/'
        || site_key || '__' AS path_start
    FROM query_table(sites)
    SEMI JOIN query_table(chosen) USING (site_number)
    ORDER BY
        Metadata_Source,
        Metadata_Batch,
        Metadata_Plate,
        Metadata_Well,
        Metadata_Site
),

site_images AS NOT MATERIALIZED (
    SELECT
        * EXCLUDE (images),
        unnest(images) AS image
    FROM sorted_sites
)

SELECT
    Metadata_Source,
    Metadata_Batch,
    Metadata_Plate,
    Metadata_Well,
    Metadata_Site,
    image.channel::VARCHAR AS Metadata_Channel,
    COLUMNS(
        LAMBDA name: (starts_with(name, 'Metadata_') OR name = 'split')
        AND name NOT IN (
            'Metadata_Source',
            'Metadata_Batch',
            'Metadata_Plate',
            'Metadata_Well',
            'Metadata_Site'
        )
    ),
    image.kind::VARCHAR AS channel_kind,
    image_bytes::BIGINT AS estimated_bytes,
    image.url,
    CASE WHEN illum THEN image.illum END AS url_illum,
    path_start || image.channel AS path,
    CASE
        WHEN plate_issue IS NOT NULL OR issues IS NOT NULL
            THEN nullif(concat_ws(
                '; ',
                plate_issue,
                main.reported_issues(
                    issues, Metadata_Well, Metadata_Site, [image.channel::VARCHAR], NULL
                )
            ), '')
    END AS known_issue
FROM site_images
WHERE channels IS NULL OR list_contains(channels::VARCHAR[], image.channel::VARCHAR);

COMMENT ON MACRO TABLE main.list_files IS -- noqa: PRS
'One row per file to fetch, which is a manifest';
