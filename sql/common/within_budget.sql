-- main.within_budget(sampled, ...): the sampled sites that a budget allows.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site
-- sampled is made by sample_sites: the first site of every well comes before the second of any.
-- What was named comes before controls that add_controls added, because a few wells of a gene
-- would have no part in a budget that is spread over hundreds of wells of controls.
-- Bytes are added up only of the sites that max_sites leaves, because that takes most of the time.
-- max_gb counts image_bytes, an estimate, for each image of channels that the site has; channels
-- NULL means all images.
CREATE OR REPLACE MACRO main.within_budget(
    sampled, -- noqa: LT01
    max_sites := NULL,
    max_gb := NULL,
    channels := NULL
) AS TABLE
WITH places AS NOT MATERIALIZED (
    SELECT NULL::BOOLEAN AS added -- of sites among which nobody looked for controls
    WHERE FALSE
    UNION ALL BY NAME
    FROM query_table(sampled)
),

weighed AS NOT MATERIALIZED (
    SELECT
        *,
        CASE
            WHEN max_gb IS NULL THEN 0
            WHEN channels IS NULL THEN image_bytes * len(image_channels)
            ELSE
                image_bytes
                * len(list_intersect(image_channels::VARCHAR[], channels::VARCHAR[]))
        END AS site_bytes
    FROM places
),

first_sites AS NOT MATERIALIZED (
    SELECT *
    FROM weighed
    QUALIFY row_number() OVER (
        ORDER BY coalesce(added, FALSE), sample_rank, sample_digest, site_number
    ) <= coalesce(max_sites, 9223372036854775807)
)

SELECT * EXCLUDE (site_bytes)
FROM first_sites
QUALIFY
    max_gb IS NULL
    OR sum(site_bytes) OVER (
        ORDER BY coalesce(added, FALSE), sample_rank, sample_digest, site_number
        ROWS UNBOUNDED PRECEDING
    ) <= max_gb * 1e9;

COMMENT ON MACRO TABLE main.within_budget IS -- noqa: PRS
'The sampled sites that a budget allows';
