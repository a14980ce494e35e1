-- jump.profiles: one row per published table of profiles.
-- key: subset
-- The list is manifests/profile_index.json of jump-cellpainting/datasets. It is looked for in the
-- metadata folder and may be missing there, because nothing but profiles depends on it. Where it
-- was to be fetched and could not be, jump.settings says why.
CREATE OR REPLACE TABLE jump.profiles (
    subset VARCHAR,
    url VARCHAR NOT NULL,
    etag VARCHAR,
    recipe VARCHAR,
    config VARCHAR,
    PRIMARY KEY (subset)
);

-- https has no listing of a folder
SET VARIABLE jump_profile_index = (
    SELECT any_value(as_pattern(file))
    FROM glob(CASE
        WHEN starts_with(getvariable('jump_metadata_copy'), 'http') THEN []
        ELSE [getvariable('jump_metadata_copy') || '/profile_index.json']
    END)
);

INSERT INTO jump.profiles
SELECT
    subset,
    read_url(
        regexp_replace(
            url, '^https://cellpainting-gallery\.s3\.amazonaws\.com/', 's3://cellpainting-gallery/'
        ),
        getvariable('jump_gallery')
    ) AS url,
    trim(etag, '"') AS etag,
    recipe_permalink,
    config_permalink
FROM query(
    CASE
        WHEN getvariable('jump_profile_index') IS NULL
            THEN
                'SELECT NULL AS subset, NULL AS url, NULL AS etag, NULL AS recipe_permalink,'
                || ' NULL AS config_permalink WHERE FALSE'
        ELSE
            'FROM read_json(getvariable(''jump_profile_index''), format = ''array'', columns = {'
            || '''subset'': ''VARCHAR'', ''url'': ''VARCHAR'', ''etag'': ''VARCHAR'','
            || ' ''recipe_permalink'': ''VARCHAR'', ''config_permalink'': ''VARCHAR''})'
    END
);

COMMENT ON TABLE jump.profiles IS 'One row per published table of profiles';
COMMENT ON COLUMN jump.profiles.subset IS 'Its name: which plates, and how it was made';
COMMENT ON COLUMN jump.profiles.url IS 'Parquet file with a row for each well';
COMMENT ON COLUMN jump.profiles.etag IS 'What the server says of the file while it is this one';
COMMENT ON COLUMN jump.profiles.recipe IS 'Program that made it';
COMMENT ON COLUMN jump.profiles.config IS 'Configuration that the program was given';
