-- main.within_budget(sampled, ...): the sampled sites that a budget allows.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site
-- sampled is made by sample_sites: the first site of every well comes before the second of any.
-- What was named comes before controls that add_controls added, because a few wells of a gene
-- would have no part in a budget that is spread over hundreds of wells of controls.
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
)

SELECT *
FROM places
WINDOW turns AS (ORDER BY coalesce(added, FALSE), sample_rank, sample_digest, site_key)
QUALIFY
    row_number() OVER turns <= coalesce(max_sites, 9223372036854775807)
    AND sum(
        image_bytes * CASE
            WHEN max_gb IS NULL THEN 0
            WHEN channels IS NULL THEN len(image_channels)
            ELSE len(list_intersect(image_channels::VARCHAR[], channels::VARCHAR[]))
        END
    ) OVER (turns ROWS UNBOUNDED PRECEDING) <= coalesce(max_gb, 1e12) * 1e9;

COMMENT ON MACRO TABLE main.within_budget IS -- noqa: PRS
'The sampled sites that a budget allows';
