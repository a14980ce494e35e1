-- jump.issues_of(...): what has been reported about an image, NULL if nothing.
-- issues is the column of jump.sites; kind is a consequence, NULL for any. The arguments must not
-- name anything issue.
CREATE OR REPLACE MACRO jump.issues_of(issues, well, site, channels, kind) AS (
    CASE WHEN issues IS NOT NULL THEN nullif(array_to_string([
        issue.what FOR issue IN issues
        IF
            coalesce(issue.well, well) = well
            AND coalesce(issue.site, site) = site
            AND (issue.channel IS NULL OR list_contains(channels::VARCHAR[], issue.channel))
            AND (kind IS NULL OR issue.consequence = kind)
    ], '; '), '') END
);

COMMENT ON MACRO jump.issues_of IS -- noqa: PRS
'What has been reported about an image, NULL if nothing';
