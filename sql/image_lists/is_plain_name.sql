-- main.is_plain_name(name): whether a name can be a part of the path of a file.
-- Sources, batches, plates and channels become parts of the paths of a manifest.
CREATE OR REPLACE MACRO main.is_plain_name(name) AS (
    coalesce(
        regexp_full_match(name, '[^./\\\pC][^/\\\pC]*') AND strlen(name) <= 80, FALSE
    )
);

COMMENT ON MACRO main.is_plain_name IS -- noqa: PRS
'Whether a name can be a part of the path of a file';
