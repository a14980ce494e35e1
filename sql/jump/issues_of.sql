-- jump.issues_of(...): what has been reported about an image, NULL if nothing.
-- issues is the column of jump.sites; consequence NULL stands for any.
CREATE OR REPLACE MACRO jump.issues_of(issues, well, site, channels, kind) AS (
    CASE WHEN issues IS NOT NULL THEN nullif(array_to_string([
        one.what FOR one IN issues
        IF
            coalesce(one.well, well) = well
            AND coalesce(one.site, site) = site
            AND (one.channel IS NULL OR list_contains(channels::VARCHAR[], one.channel))
            AND (kind IS NULL OR one.consequence = kind)
    ], '; '), '') END
);

COMMENT ON MACRO jump.issues_of IS -- noqa: PRS
'What has been reported about an image, NULL if nothing';
