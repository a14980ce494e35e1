-- jump.source_sizes: one row per source with the published size of its images.
-- key: Metadata_Source
-- From stats/cpg0016_source_images_size.csv and ..._tiff_count.csv of jump-cellpainting/datasets
-- at 016e865f. The mean counts every TIFF of the source, brightfield included, so a size made from
-- it is an estimate. source_15 has no published count.
CREATE OR REPLACE TABLE jump.source_sizes (
    Metadata_Source VARCHAR PRIMARY KEY,
    bytes BIGINT,
    tiffs BIGINT,
    mean_bytes DOUBLE
);

INSERT INTO jump.source_sizes
SELECT
    Metadata_Source,
    bytes::BIGINT AS bytes,
    tiffs::BIGINT AS tiffs,
    bytes::BIGINT / tiffs::BIGINT AS mean_bytes
FROM read_csv(
    coalesce(getvariable('jumpduck_sql'), 'sql') || '/jump/source_sizes.csv',
    header = TRUE, all_varchar = TRUE, comment = '', skip = 0
);

COMMENT ON TABLE jump.source_sizes IS
'One row per source with the published size of its images';
COMMENT ON COLUMN jump.source_sizes.Metadata_Source IS 'Laboratory that made the plate';
COMMENT ON COLUMN jump.source_sizes.bytes IS 'Bytes of all its TIFFs';
COMMENT ON COLUMN jump.source_sizes.tiffs IS 'Number of its TIFFs';
COMMENT ON COLUMN jump.source_sizes.mean_bytes IS 'Bytes of one TIFF, on average';
