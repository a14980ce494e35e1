-- jump_lite.site_index: one row per line of the published index of sites.
-- key: none, a line is what was published.
-- The name of an array is the key of its site. A line is not used, see problems, if its key is
-- another one, its site is not a number, or its parts could not be folders of a path: one of them
-- that is absent is left out of the key.
CREATE OR REPLACE TABLE jump_lite.site_index AS
WITH judged AS (
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
                    '__',
                    Metadata_Source,
                    Metadata_Batch,
                    Metadata_Plate,
                    Metadata_Well,
                    Metadata_Site
                )
                THEN 'a key that is not made of its parts'
            WHEN
                NOT (
                    main.is_plain_name(Metadata_Source::VARCHAR)
                    AND main.is_plain_name(Metadata_Batch::VARCHAR)
                    AND main.is_plain_name(Metadata_Plate::VARCHAR)
                    AND main.is_plain_name(Metadata_Well::VARCHAR)
                )
                THEN 'a source, batch, plate or well that is absent or no name of a folder'
        END AS reason
    FROM read_parquet(getvariable('jump_lite_index'))
)

SELECT * REPLACE (
    CASE
        WHEN reason IS NOT NULL THEN reason
        WHEN row_number() OVER (PARTITION BY site_key, reason) > 1 THEN 'the same site once more'
    END AS reason
)
FROM judged;

COMMENT ON TABLE jump_lite.site_index IS
'One row per line of the published index of sites';
COMMENT ON COLUMN jump_lite.site_index.site_key IS 'Name of its array';
COMMENT ON COLUMN jump_lite.site_index.reason IS 'Why the line is not used, NULL if it is';
