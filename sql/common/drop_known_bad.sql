-- main.drop_known_bad(sites, channels): the sites without an image that is known to be unusable.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site
-- A site is left out as a whole, so that what remains is complete.
CREATE OR REPLACE MACRO main.drop_known_bad(sites, channels := NULL) AS TABLE -- noqa: LT01
SELECT *
FROM query_table(sites)
WHERE NOT main.is_known_bad(plate_dropped, issues, Metadata_Well, Metadata_Site, channels);

COMMENT ON MACRO TABLE main.drop_known_bad IS -- noqa: PRS
'The sites without an image that is known to be unusable';
