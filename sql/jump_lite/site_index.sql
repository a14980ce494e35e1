-- jump_lite.site_index: one row per line of the published index of sites.
-- key: none, a line is what was published.
-- The name of an array is the key of its site. A line where it is another name, or whose site is
-- not a number, is not used: see problems.
CREATE OR REPLACE TABLE jump_lite.site_index AS
SELECT
    Metadata_Source::VARCHAR AS Metadata_Source,
    Metadata_Batch::VARCHAR AS Metadata_Batch,
    Metadata_Plate::VARCHAR AS Metadata_Plate,
    Metadata_Well::VARCHAR AS Metadata_Well,
    try_cast(Metadata_Site AS INTEGER) AS Metadata_Site,
    Metadata_Site_Key::VARCHAR AS site_key,
    CASE
        WHEN try_cast(Metadata_Site AS INTEGER) IS NULL THEN 'a site that is not a number'
        WHEN
            coalesce(Metadata_Site_Key, '') <> concat_ws(
                '__', Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site
            )
            THEN 'a key that is not made of its parts'
    END AS reason
FROM read_parquet(getvariable('jump_lite_index'));

COMMENT ON TABLE jump_lite.site_index IS
'One row per line of the published index of sites';
COMMENT ON COLUMN jump_lite.site_index.site_key IS 'Name of its array';
COMMENT ON COLUMN jump_lite.site_index.reason IS 'Why the line is not used, NULL if it is';
