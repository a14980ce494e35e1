-- jump.plate_issues: one row per plate with a known issue, and all its issues.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate
-- The wildcards of jump.known_issues spelled out, so that millions of sites meet them by a join on
-- the plate instead of one by one. What concerns the whole plate is one text, made once; only the
-- rest must be held against each site. A plate with images that is in no table of plates is there
-- too, because its batch may have an issue.
CREATE OR REPLACE VIEW jump.plate_issues AS
WITH plates AS (
    SELECT
        Metadata_Source,
        Metadata_Batch,
        Metadata_Plate
    FROM jump.plates
    UNION
    SELECT
        Metadata_Source,
        Metadata_Batch,
        Metadata_Plate
    FROM jump.load_data_files
),

found AS (
    SELECT
        plates.Metadata_Source,
        plates.Metadata_Batch,
        plates.Metadata_Plate,
        issues.Metadata_Well,
        issues.Metadata_Site,
        issues.Metadata_Channel,
        issues.consequence,
        issues.what,
        issues.report,
        coalesce(issues.Metadata_Well, issues.Metadata_Site::VARCHAR, issues.Metadata_Channel)
        IS NULL AS of_plate
    FROM plates
    INNER JOIN jump.known_issues AS issues
        ON
            plates.Metadata_Source = issues.Metadata_Source
            AND plates.Metadata_Batch = coalesce(issues.Metadata_Batch, plates.Metadata_Batch)
            AND plates.Metadata_Plate = coalesce(issues.Metadata_Plate, plates.Metadata_Plate)
)

SELECT
    Metadata_Source,
    Metadata_Batch,
    Metadata_Plate,
    string_agg(what, '; ' ORDER BY what, report) FILTER (WHERE of_plate) AS plate_issue,
    coalesce(bool_or(of_plate AND consequence = 'drop'), FALSE) AS plate_dropped,
    list({
        'well': Metadata_Well,
        'site': Metadata_Site,
        'channel': Metadata_Channel,
        'consequence': consequence,
        'what': what
    } ORDER BY what, report, Metadata_Well, Metadata_Site) FILTER (WHERE NOT of_plate) AS issues
FROM found
GROUP BY ALL;

COMMENT ON VIEW jump.plate_issues IS
'One row per plate with a known issue, and all its issues';
COMMENT ON COLUMN jump.plate_issues.Metadata_Source IS 'Laboratory that made the plate';
COMMENT ON COLUMN jump.plate_issues.Metadata_Batch IS 'Batch the plate was imaged in';
COMMENT ON COLUMN jump.plate_issues.Metadata_Plate IS 'Plate barcode';
COMMENT ON COLUMN jump.plate_issues.plate_issue IS
'What is wrong with the whole plate, NULL if nothing';
COMMENT ON COLUMN jump.plate_issues.plate_dropped IS
'Whether the whole plate is to be left out';
COMMENT ON COLUMN jump.plate_issues.issues IS
'Of parts of the plate: well, site and channel (NULL for all), consequence, and what is wrong';
