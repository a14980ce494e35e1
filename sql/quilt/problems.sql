-- quilt.problems: one row per plate and reason why images of it are left out.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, reason
CREATE OR REPLACE TABLE quilt.problems AS
WITH reasons AS (
    SELECT
        site_keys.Metadata_Plate,
        coalesce(images.reason, site_keys.reason) || coalesce(
            ': ' || left(min(images.logical_key), 200), ''
        ) AS reason,
        count(*) AS lines
    FROM quilt_images AS images
    INNER JOIN quilt_site_keys AS site_keys ON images.own_row = site_keys.own_row
    WHERE images.reason IS NOT NULL OR site_keys.reason IS NOT NULL
    GROUP BY site_keys.Metadata_Plate, images.reason, site_keys.reason
    UNION ALL
    SELECT
        Metadata_Plate,
        'another image has the same plate, well, site and channel' AS reason,
        sum(found_images - len(images)) AS lines
    FROM quilt.sites
    WHERE found_images > len(images)
    GROUP BY Metadata_Plate
)

SELECT
    settings.package_user AS Metadata_Source,
    settings.package_name AS Metadata_Batch,
    reasons.Metadata_Plate,
    reasons.reason,
    reasons.lines::BIGINT AS lines
FROM reasons
CROSS JOIN quilt.settings AS settings;

COMMENT ON TABLE quilt.problems IS
'One row per plate and reason why images of it are left out';
COMMENT ON COLUMN quilt.problems.Metadata_Source IS 'User of the package';
COMMENT ON COLUMN quilt.problems.Metadata_Batch IS 'Name of the package';
COMMENT ON COLUMN quilt.problems.Metadata_Plate IS 'Plate';
COMMENT ON COLUMN quilt.problems.reason IS 'Why, and the first of the images';
COMMENT ON COLUMN quilt.problems.lines IS 'Number of images';
