-- quilt.site_keys: one row per row of the table: the plate, well and site that it is of.
-- key: own_row
-- It holds while the catalog is built. The site's number is that of the table if all of them are
-- whole numbers, else the place of the row in the table.
CREATE OR REPLACE TEMP VIEW quilt_site_keys AS
WITH numbered AS (
    SELECT coalesce(bool_and(coalesce(try_cast(site AS INTEGER) >= 0, FALSE)), FALSE) AS is_whole
    FROM quilt_own_rows
),

keyed AS (
    SELECT
        own_rows.own_row,
        settings.package_user || settings.package_name AS package,
        coalesce(nullif(own_rows.plate, ''), settings.package_name) AS Metadata_Plate,
        coalesce(nullif(own_rows.well, ''), 'none') AS Metadata_Well,
        CASE
            WHEN numbered.is_whole THEN try_cast(own_rows.site AS INTEGER)
            ELSE (own_rows.own_row + 1)::INTEGER
        END AS Metadata_Site
    FROM quilt_own_rows AS own_rows
    CROSS JOIN quilt.settings AS settings
    CROSS JOIN numbered
)

SELECT
    own_row,
    Metadata_Plate,
    Metadata_Well,
    Metadata_Site,
    CASE
        WHEN
            NOT regexp_full_match(Metadata_Plate, '[^./\\\x00-\x1f][^/\\\x00-\x1f]*')
            OR NOT regexp_full_match(Metadata_Well, '[^./\\\x00-\x1f][^/\\\x00-\x1f]*')
            THEN 'its plate or well cannot be the name of a folder'
        WHEN strlen(package) + strlen(Metadata_Plate) + strlen(Metadata_Well) > 140
            THEN 'the names of its plate and well are too long'
    END AS reason
FROM keyed;
