-- jump.plate_issues: one row per plate with a known issue, and all its issues.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate
-- The wildcards of jump.known_issues spelled out, so that millions of sites meet them by a join on
-- the plate instead of one by one.
CREATE OR REPLACE VIEW jump.plate_issues AS
SELECT
    plates.Metadata_Source,
    plates.Metadata_Batch,
    plates.Metadata_Plate,
    list({
        'well': issues.Metadata_Well,
        'site': issues.Metadata_Site,
        'channel': issues.Metadata_Channel,
        'consequence': issues.consequence,
        'what': issues.what
    } ORDER BY issues.what, issues.thread, issues.Metadata_Well, issues.Metadata_Site) AS issues
FROM jump.plates AS plates
INNER JOIN jump.known_issues AS issues
    ON
        plates.Metadata_Source = issues.Metadata_Source
        AND plates.Metadata_Batch = coalesce(issues.Metadata_Batch, plates.Metadata_Batch)
        AND plates.Metadata_Plate = coalesce(issues.Metadata_Plate, plates.Metadata_Plate)
GROUP BY ALL;

COMMENT ON VIEW jump.plate_issues IS
'One row per plate with a known issue, and all its issues';
COMMENT ON COLUMN jump.plate_issues.Metadata_Source IS 'Laboratory that made the plate';
COMMENT ON COLUMN jump.plate_issues.Metadata_Batch IS 'Batch the plate was imaged in';
COMMENT ON COLUMN jump.plate_issues.Metadata_Plate IS 'Plate barcode';
COMMENT ON COLUMN jump.plate_issues.issues IS
'Well, site and channel (NULL for all), consequence, and what is wrong';
