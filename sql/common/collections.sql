-- main.collections: one row: the collection that this catalog holds.
-- key: collection
-- The driver of the collection says its name and the column that identifies a perturbation.
CREATE OR REPLACE TABLE main.collections (
    collection VARCHAR PRIMARY KEY,
    perturbation VARCHAR NOT NULL
);

INSERT INTO main.collections
SELECT
    getvariable('collection') AS collection,
    getvariable('perturbation') AS perturbation;

COMMENT ON TABLE main.collections IS 'One row: the collection that this catalog holds';
COMMENT ON COLUMN main.collections.collection IS 'Name of the collection and of its schema';
COMMENT ON COLUMN main.collections.perturbation IS
'Column of its tables that identifies a perturbation';
