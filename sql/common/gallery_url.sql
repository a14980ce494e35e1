-- main.gallery_url(path_name, file_name): the published URL of a file in any of load_data's forms.
-- Older files give a folder and a name, with or without end slash, scheme, bucket or the place
-- where somebody had mounted the bucket. What they share is the key, which begins at cpgNNNN-; a
-- path without it is taken as a key of the gallery.
CREATE OR REPLACE MACRO main.gallery_url(path_name, file_name) AS (
    CASE
        WHEN regexp_matches(path_name, '(^|/)cpg[0-9]{4}-')
            THEN
                's3://cellpainting-gallery/'
                || regexp_extract(rtrim(path_name, '/'), '(?:^|.*?/)(cpg[0-9]{4}-.*)', 1)
        WHEN path_name LIKE '%://%' THEN rtrim(path_name, '/')
        ELSE 's3://cellpainting-gallery/' || trim(path_name, '/')
    END
    || '/' || file_name
);

COMMENT ON MACRO main.gallery_url IS -- noqa: PRS
'The published URL of a file in any of load_data''s forms';
