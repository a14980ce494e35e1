-- main.reported_issues(...): what has been reported about an image, NULL if nothing.
-- issues is the column of a collection's sites; consequence is drop or flag, NULL for both;
-- channels NULL means all channels.
CREATE OR REPLACE MACRO main.reported_issues(issues, well, site, channels, consequence) AS (
    CASE WHEN issues IS NOT NULL THEN nullif(array_to_string([
        one_issue.what FOR one_issue IN issues
        IF
            coalesce(one_issue.well, well) = well
            AND coalesce(one_issue.site, site) = site
            AND (
                one_issue.channel IS NULL
                OR channels IS NULL
                OR list_contains(channels::VARCHAR[], one_issue.channel)
            )
            AND (consequence IS NULL OR one_issue.consequence = consequence)
    ], '; '), '') END
);

COMMENT ON MACRO main.reported_issues IS -- noqa: PRS
'What has been reported about an image, NULL if nothing';
