-- quilt.hashed_parts: one row per line of the manifest: what the top hash is made of.
-- key: none; the order is that of the manifest.
-- Quilt hashes the JSON text of {hash, logical_key, meta, size} of each file as Python writes it:
-- keys sorted, no blanks, ASCII alone. It goes through the package as through folders, therefore
-- the parts of a logical key are compared, and not its letters: a/b comes before a.b. place can be
-- compared so, because the lowest letter stands for the slash. part is that text where it can be
-- told without Python, which takes four times as long: no escapes, ASCII alone, and a meta
-- without objects inside of user_meta, whose numbers are whole or written as both would write them.
-- The pairs of user_meta are sorted as text, which is the order of their keys because none of their
-- letters comes before the quotation mark. line is the others as they are written. A line without
-- physical keys says something of a folder, which is not hashed. reason says why a line cannot be
-- that of a package.
CREATE OR REPLACE TEMP VIEW quilt_hashed_parts AS
WITH lines AS (
    SELECT
        logical_key,
        physical_keys,
        hash,
        size,
        meta,
        CASE
            WHEN meta IS NULL OR meta::VARCHAR = '{}' THEN '{}'
            WHEN regexp_full_match(
                meta::VARCHAR,
                '\{"user_meta":\{("[#-+\--\[\]-~]+":'
                || '("[ !#-+\--\[\]-~]*"|true|false|null|-?(0|[1-9][0-9]{0,17})'
                || '|-?[1-9][0-9]{0,8}\.[0-9]{1,6}|-?0\.[1-9][0-9]{0,8})(,|\}))*\}'
            )
                THEN '{"user_meta":{"' || array_to_string(
                    list_sort(
                        string_split(substr(meta::VARCHAR, 16, len(meta::VARCHAR) - 17), ',"')
                    ), ',"'
                ) || '}}'
        END AS plain_meta
    FROM quilt_manifest_lines
),

plain AS (
    SELECT
        *,
        coalesce(
            regexp_full_match(logical_key::VARCHAR, '"[ !#-\[\]-~]+"')
            AND regexp_full_match(
                hash::VARCHAR, '\{"type":"[ !#-\[\]-~]*","value":"[ !#-\[\]-~]*"\}'
            )
            AND regexp_full_match(size::VARCHAR, '0|[1-9][0-9]{0,17}')
            AND starts_with(physical_keys::VARCHAR, '["')
            AND plain_meta IS NOT NULL,
            FALSE
        ) AS is_plain,
        NOT is_plain AND coalesce(json_array_length(physical_keys), 0) = 0 AS is_folder
    FROM lines
)

SELECT
    replace(logical_key ->> '$', '/', chr(1)) AS place,
    CASE
        WHEN is_plain
            THEN
                '{"hash":' || hash::VARCHAR || ',"logical_key":' || logical_key::VARCHAR
                || ',"meta":' || plain_meta || ',"size":' || size::VARCHAR || '}'
    END AS part,
    CASE
        WHEN NOT is_plain
            THEN {
                'hash': hash::VARCHAR,
                'logical_key': logical_key::VARCHAR,
                'meta': coalesce(meta::VARCHAR, '{}'),
                'size': size::VARCHAR,
                'is_folder': is_folder,
                'reason': CASE
                    WHEN
                        json_type(logical_key) IS DISTINCT FROM 'VARCHAR'
                        OR logical_key::VARCHAR = '""'
                        THEN 'it has no logical_key'
                    WHEN regexp_matches(logical_key ->> '$', '[\x00-\x1f]')
                        THEN 'its logical_key has a control character'
                    WHEN json_type(physical_keys) <> 'ARRAY'
                        THEN 'its physical_keys are not a list'
                    WHEN is_folder THEN NULL
                    WHEN json_type(physical_keys -> '$[0]') IS DISTINCT FROM 'VARCHAR'
                        THEN 'its physical key is not text'
                    WHEN
                        NOT coalesce(
                            regexp_full_match(size::VARCHAR, '0|[1-9][0-9]{0,17}'), FALSE
                        )
                        THEN 'its size is ' || coalesce(left(size::VARCHAR, 40), 'absent')
                        || ', not a whole number'
                    WHEN
                        json_type(hash -> '$.type') IS DISTINCT FROM 'VARCHAR'
                        OR json_type(hash -> '$.value') IS DISTINCT FROM 'VARCHAR'
                        THEN 'it has no hash with a type and a value'
                    WHEN json_type(meta) <> 'OBJECT' THEN 'its meta is not an object'
                END
            }
    END AS line
FROM plain;
