-- jump.source_sizes: one row per source with the published size of its images.
-- key: Metadata_Source
-- From stats/cpg0016_source_images_size.csv and ..._tiff_count.csv of jump-cellpainting/datasets
-- at 016e865f. The mean counts every TIFF of the source, brightfield included, so a size made from
-- it is an estimate. source_15 has no published count.
CREATE OR REPLACE TABLE jump.source_sizes AS
SELECT
    Metadata_Source,
    bytes,
    tiffs,
    bytes / tiffs AS mean_bytes
FROM (
    VALUES
    ('source_1', 5371241900768, 1943040),
    ('source_2', 8400817571909, 4217490),
    ('source_3', 18197060600282, 7188480),
    ('source_4', 19401189466298, 7658494),
    ('source_5', 14371076831150, 7191860),
    ('source_6', 12843800911238, 6804166),
    ('source_7', 6126096793600, 2211830),
    ('source_8', 7931651003318, 7473900),
    ('source_9', 10096282694514, 3317760),
    ('source_10', 8218380973898, 4093834),
    ('source_11', 8408864230727, 3504002),
    ('source_13', 7389117766045, 2662635)
) AS published (Metadata_Source, bytes, tiffs); -- noqa: AL05

COMMENT ON TABLE jump.source_sizes IS
'One row per source with the published size of its images';
COMMENT ON COLUMN jump.source_sizes.Metadata_Source IS 'Laboratory that made the plate';
COMMENT ON COLUMN jump.source_sizes.bytes IS 'Bytes of all its TIFFs';
COMMENT ON COLUMN jump.source_sizes.tiffs IS 'Number of its TIFFs';
COMMENT ON COLUMN jump.source_sizes.mean_bytes IS 'Bytes of one TIFF, on average';
