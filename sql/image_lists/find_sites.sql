-- main.find_sites(names, perturbation_names, sites, channels): where a perturbation can be seen.
-- key: asked, Metadata_Perturbation
-- The arguments are a collection's relations. Gigabytes are those of the stains, an estimate.
CREATE OR REPLACE MACRO main.find_sites(names, perturbation_names, sites, channels) AS TABLE
WITH stains AS (
    SELECT list(Metadata_Channel) AS names_of_stains FROM query_table(channels)
    WHERE kind = 'stain'
)

SELECT
    found.asked,
    found.matched_by,
    found.Metadata_Perturbation,
    found.Metadata_Name,
    found.Metadata_modality,
    count(DISTINCT seen.plate_number) AS plates,
    count(DISTINCT concat_ws('/', seen.plate_number, seen.Metadata_Well)) AS wells,
    count(*) AS sites,
    sum(
        seen.image_bytes * len(list_intersect(seen.image_channels, stains.names_of_stains))
    ) / 1e9 AS estimated_gb
FROM find_named(names, NULL, perturbation_names) AS found
INNER JOIN query_table(sites) AS seen USING (Metadata_Perturbation)
CROSS JOIN stains
GROUP BY ALL
ORDER BY found.asked, found.Metadata_Perturbation;

COMMENT ON MACRO TABLE main.find_sites IS -- noqa: PRS
'Where a perturbation can be seen';
