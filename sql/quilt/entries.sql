-- quilt.entries: one row per image and table of the package: where it is, and its hash.
-- key: logical_key
-- It lasts while the catalog is built, as quilt_manifest_lines does: what is made of it is joined
-- while the manifest is read, because a million URLs take as much memory as all the rest. What is
-- in the package's bucket is read from the gallery, which stands for that bucket; only a bucket has
-- versions. A key is written in a URL with %XX, and + means itself there. reason says why a file
-- cannot be fetched.
CREATE OR REPLACE TEMP VIEW quilt_entries AS
WITH files AS (
    SELECT
        logical_key ->> '$' AS logical_key,
        regexp_extract(
            physical_keys ->> '$[0]',
            '^s3://([^/?#]+)/([^?#]+)(?:\?versionId=([A-Za-z0-9._~+/=-]*))?$',
            ['bucket', 'key', 'version']
        ) AS place,
        json_extract_string(hash, ['$.type', '$.value']) AS hash,
        size::BIGINT AS size,
        CASE
            WHEN contains(meta::VARCHAR, '"channel"') THEN meta ->> '$.user_meta.channel'
            WHEN contains(meta::VARCHAR, '"Channel"') THEN meta ->> '$.user_meta.Channel'
        END AS channel,
        regexp_extract(lower(logical_key::VARCHAR), '\.(tiff?|png|csv|parquet)"$', 1) AS ending
    FROM quilt_manifest_lines
    WHERE ending <> '' AND json_array_length(physical_keys) > 0
),

decoded AS (
    SELECT
        * EXCLUDE (place, ending),
        place.bucket,
        place.key AS coded_key,
        CASE
            WHEN contains(place.key, '%') THEN nullif(regexp_replace(
                try(url_decode(place.key)), '^.*[\x00-\x1f].*$', '', 's'
            ), '')
            ELSE place.key
        END AS plain_key,
        place.version,
        ending NOT IN ('csv', 'parquet') AS is_image,
        coalesce(CASE hash[1]
            WHEN 'SHA256' THEN regexp_full_match(hash[2], '[0-9a-f]{64}')
            WHEN 'sha2-256-chunked' THEN regexp_full_match(hash[2], '[A-Za-z0-9+/]{43}=')
            WHEN 'CRC64NVME' THEN regexp_full_match(hash[2], '[A-Za-z0-9+/]{11}=')
        END, FALSE) AS is_known_hash,
        '/' || plain_key || '/' || logical_key || '/' AS both_keys
    FROM files
)

SELECT
    decoded.logical_key,
    CASE
        WHEN decoded.bucket <> settings.bucket
            THEN 's3://' || decoded.bucket || '/' || decoded.plain_key
        WHEN starts_with(settings.gallery, 'http')
            THEN settings.gallery || '/' || decoded.coded_key
        ELSE settings.gallery || '/' || decoded.plain_key
    END || '#'
    || CASE
        WHEN
            decoded.version <> ''
            AND (decoded.bucket <> settings.bucket OR starts_with(settings.gallery, 's3://'))
            THEN 'version=' || decoded.version || '&'
        ELSE ''
    END
    || 'checksum=' || decoded.hash[1] || ':' || decoded.hash[2] AS url,
    decoded.size,
    decoded.channel,
    decoded.is_image,
    CASE
        WHEN decoded.bucket = '' THEN 'it is not in a bucket'
        WHEN decoded.plain_key IS NULL
            THEN 'its key is not UTF-8, or has a control character'
        WHEN
            contains(decoded.both_keys, '//')
            OR contains(decoded.both_keys, '/./')
            OR contains(decoded.both_keys, '/../')
            THEN 'its key or its path in the package has a part that is empty, . or ..'
        WHEN NOT decoded.is_known_hash
            THEN 'its hash cannot be checked; known are SHA256, sha2-256-chunked and CRC64NVME'
    END AS reason
FROM decoded
CROSS JOIN quilt.settings AS settings;
