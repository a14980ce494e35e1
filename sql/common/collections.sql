-- main.collections: one row: the collection that this catalog holds.
-- key: collection
-- The driver of the collection says its name and the column that identifies a perturbation.
CREATE OR REPLACE TABLE main.collections (
    collection VARCHAR PRIMARY KEY,
    perturbation VARCHAR NOT NULL,
    options VARCHAR
);

INSERT INTO main.collections
SELECT
    getvariable('collection') AS collection,
    getvariable('perturbation') AS perturbation,
    getvariable('catalog_options') AS options;

COMMENT ON TABLE main.collections IS 'One row: the collection that this catalog holds';
COMMENT ON COLUMN main.collections.collection IS 'Name of the collection and of its schema';
COMMENT ON COLUMN main.collections.perturbation IS
'Column of its tables that identifies a perturbation';
COMMENT ON COLUMN main.collections.options IS
'What jumpduck catalog was given, as JSON; NULL if the driver was run by itself';
