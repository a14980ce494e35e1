-- main.read_url(url, gallery): the place where a published URL is really read from.
-- A mirror or a local folder may stand in for the bucket. Keys may hold spaces and plus signs,
-- which an http(s) address must spell as percent codes; S3 and files take the key as it is.
CREATE OR REPLACE MACRO main.read_url(url, gallery) AS (
    CASE
        WHEN gallery = 's3://cellpainting-gallery' THEN url
        WHEN NOT starts_with(url, 's3://cellpainting-gallery/') THEN url
        WHEN gallery LIKE 'http%://%'
            THEN gallery || '/' || replace(url_encode(substr(url, 27)), '%2F', '/')
        ELSE gallery || '/' || substr(url, 27)
    END
);

COMMENT ON MACRO main.read_url IS -- noqa: PRS
'The place where a published URL is really read from';
