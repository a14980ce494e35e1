-- main.within_budget(sampled, ...): the sampled sites that a budget allows.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site
-- sampled is made by sample_sites: the first site of every well comes before the second of any.
-- What was named comes before controls that add_controls added, because a few wells of a gene
-- would have no part in a budget that is spread over hundreds of wells of controls.
-- max_gb counts image_bytes, an estimate, for each image of channels that the site has; channels
-- NULL means all images. smallest_bytes is the least that a site can have: no more sites than that
-- allows are sorted with all that is needed to add their bytes up, which takes most of the time.
CREATE OR REPLACE MACRO main.within_budget(
    sampled, -- noqa: LT01
    max_sites := NULL,
    max_gb := NULL,
    smallest_bytes := NULL,
    channels := NULL
) AS TABLE
WITH places AS NOT MATERIALIZED (
    SELECT NULL::BOOLEAN AS added -- of sites among which nobody looked for controls
    WHERE FALSE
    UNION ALL BY NAME
    FROM query_table(sampled)
),

first_sites AS NOT MATERIALIZED (
    SELECT *
    FROM places
    ORDER BY coalesce(added, FALSE), sample_rank, sample_digest, site_number
    LIMIT
        least(
            4611686018427387904, -- the largest that LIMIT takes
            max_sites,
            try_cast(ceil(max_gb * 1e9 / smallest_bytes) AS BIGINT)
        )
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
    FROM first_sites
)

SELECT * EXCLUDE (site_bytes)
FROM weighed
QUALIFY
    max_gb IS NULL
    OR sum(site_bytes) OVER (
        ORDER BY coalesce(added, FALSE), sample_rank, sample_digest, site_number
        ROWS UNBOUNDED PRECEDING
    ) <= max_gb * 1e9;

COMMENT ON MACRO TABLE main.within_budget IS -- noqa: PRS
'The sampled sites that a budget allows';
