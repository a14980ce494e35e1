-- main.drop_known_bad(sites, channels): the sites without an image that is known to be unusable.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site
-- A site is left out as a whole, so that what remains is complete. Issues of channels that are not
-- asked for do not matter; channels NULL asks for all.
CREATE OR REPLACE MACRO main.drop_known_bad(sites, channels := NULL) AS TABLE -- noqa: LT01
SELECT *
FROM query_table(sites)
WHERE
    NOT plate_dropped
    AND main.reported_issues(issues, Metadata_Well, Metadata_Site, channels, 'drop') IS NULL;

COMMENT ON MACRO TABLE main.drop_known_bad IS -- noqa: PRS
'The sites without an image that is known to be unusable';
