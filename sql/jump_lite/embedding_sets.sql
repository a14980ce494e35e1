-- jump_lite.embedding_sets: one row per model and packing whose embeddings were released.
-- key: model, package
CREATE OR REPLACE TABLE jump_lite.embedding_sets (
    model VARCHAR,
    package VARCHAR,
    channels VARCHAR[],
    PRIMARY KEY (model, package)
);

INSERT INTO jump_lite.embedding_sets
SELECT
    model,
    unnest(string_split(packages, ';')) AS package,
    string_split(channels, ';') AS channels
FROM read_csv(
    coalesce(getvariable('jumpduck_sql'), 'sql') || '/jump_lite/embedding_sets.csv',
    header = TRUE, all_varchar = TRUE, comment = '', skip = 0
);

COMMENT ON TABLE jump_lite.embedding_sets IS
'One row per model and packing whose embeddings were released';
COMMENT ON COLUMN jump_lite.embedding_sets.model IS 'Name of the model';
COMMENT ON COLUMN jump_lite.embedding_sets.package IS 'Packing of the arrays that it saw';
COMMENT ON COLUMN jump_lite.embedding_sets.channels IS 'Channels that it saw, in this order';
