-- quilt.manifest_lines: one row per line of the package's manifest, in its order.
-- key: none, because the file decides; the first line is the header.
-- Values are JSON, because DuckDB would take 1.5 for the number 2, and 5 for the text '5'. DuckDB
-- refuses a line that is not JSON, and an object that has one of these keys twice. It is a view
-- that holds while the catalog is built, because a table of a million lines takes seconds to write
-- and nothing reads it afterwards.
CREATE OR REPLACE TEMP VIEW quilt_manifest_lines AS
SELECT
    logical_key,
    physical_keys,
    size,
    hash,
    meta
FROM read_json(
    getvariable('quilt_manifest'),
    format = 'newline_delimited',
    compression = 'uncompressed',
    columns = {
        'logical_key': 'JSON',
        'physical_keys': 'JSON',
        'size': 'JSON',
        'hash': 'JSON',
        'meta': 'JSON'
    }
);
