-- main.is_known_bad(...): whether a site has an image that is known to be unusable.
-- The arguments are the columns of a collection's sites. Issues of channels that are not asked for
-- do not matter; channels NULL asks for all.
CREATE OR REPLACE MACRO main.is_known_bad(plate_dropped, issues, well, site, channels) AS (
    plate_dropped
    OR main.reported_issues(issues, well, site, channels, 'drop') IS NOT NULL
);

COMMENT ON MACRO main.is_known_bad IS -- noqa: PRS
'Whether a site has an image that is known to be unusable';
