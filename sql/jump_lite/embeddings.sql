-- jump_lite.embeddings(models, packages): where the embeddings of each site are: one Parquet file.
-- key: model, package, site_key
CREATE OR REPLACE MACRO jump_lite.embeddings(models := NULL, packages := NULL) AS TABLE
SELECT
    sets.model,
    sets.package,
    sites.site_key,
    concat(
        replace(settings.embeddings, '{set}', sets.model || '-' || sets.package), '/',
        sites.Metadata_Source, '/', sites.Metadata_Batch, '/', sites.Metadata_Plate, '/',
        sites.Metadata_Well, '-', sites.Metadata_Site, '/embedding.parquet'
    ) AS url
FROM jump_lite.embedding_sets AS sets
CROSS JOIN jump_lite.sites AS sites
CROSS JOIN jump_lite.settings AS settings
WHERE
    (models IS NULL OR list_contains(models::VARCHAR[], sets.model))
    AND (packages IS NULL OR list_contains(packages::VARCHAR[], sets.package));

COMMENT ON MACRO TABLE jump_lite.embeddings IS -- noqa: PRS
'Where the embeddings of each site are: one Parquet file';
