-- jump_lite.plates: one row per plate of the index.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate
-- The release does not say the type of a plate. What is reported of JUMP's images holds here, too,
-- because the arrays were made of them.
CREATE OR REPLACE TABLE jump_lite.plates AS
WITH found AS (
    SELECT DISTINCT
        Metadata_Source,
        Metadata_Batch,
        Metadata_Plate
    FROM jump_lite.site_index
),

reported AS (
    SELECT
        found.Metadata_Source,
        found.Metadata_Batch,
        found.Metadata_Plate,
        issues.consequence,
        issues.what,
        issues.Metadata_Well AS well,
        issues.Metadata_Site::INTEGER AS site,
        issues.Metadata_Channel AS channel,
        coalesce(issues.Metadata_Well, issues.Metadata_Site, issues.Metadata_Channel) IS NULL
            AS of_plate
    FROM found
    INNER JOIN read_csv(
        coalesce(getvariable('jumpduck_sql'), 'sql') || '/jump/known_issues.csv',
        header = TRUE, all_varchar = TRUE, comment = '', skip = 0
    ) AS issues
        ON
            found.Metadata_Source = issues.Metadata_Source
            AND found.Metadata_Batch = coalesce(issues.Metadata_Batch, found.Metadata_Batch)
            AND found.Metadata_Plate = coalesce(issues.Metadata_Plate, found.Metadata_Plate)
    WHERE issues.consequence <> 'outside'
),

gathered AS (
    SELECT
        Metadata_Source,
        Metadata_Batch,
        Metadata_Plate,
        string_agg(what, '; ' ORDER BY what) FILTER (WHERE of_plate) AS plate_issue,
        bool_or(of_plate AND consequence = 'drop') AS plate_dropped,
        list({
            'well': well,
            'site': site,
            'channel': channel,
            'consequence': consequence,
            'what': what
        } ORDER BY what, well, site, channel) FILTER (WHERE NOT of_plate) AS issues
    FROM reported
    GROUP BY ALL
)

SELECT
    Metadata_Source,
    Metadata_Batch,
    Metadata_Plate,
    NULL::VARCHAR AS Metadata_PlateType,
    dense_rank() OVER (ORDER BY Metadata_Source, Metadata_Batch, Metadata_Plate) AS plate_number,
    gathered.plate_issue,
    coalesce(gathered.plate_dropped, FALSE) AS plate_dropped,
    gathered.issues
FROM found
LEFT JOIN gathered USING (Metadata_Source, Metadata_Batch, Metadata_Plate);

COMMENT ON TABLE jump_lite.plates IS 'One row per plate of the index';
COMMENT ON COLUMN jump_lite.plates.Metadata_PlateType IS
'NULL: the release does not say it';
COMMENT ON COLUMN jump_lite.plates.plate_issue IS 'What is reported of the whole plate';
COMMENT ON COLUMN jump_lite.plates.plate_dropped IS 'Whether it is known to be unusable';
COMMENT ON COLUMN jump_lite.plates.issues IS 'What is reported of its wells and images';
