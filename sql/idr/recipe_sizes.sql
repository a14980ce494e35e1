-- idr.recipe_sizes: one row per recipe with the size of the file it makes.
-- key: recipe
-- Measured on images of JUMP, centre crop 768 x 768; a size made from it is an estimate.
-- NULL: as published, see idr.studies.
CREATE OR REPLACE TABLE idr.recipe_sizes (
    recipe VARCHAR PRIMARY KEY,
    mean_bytes DOUBLE
);

INSERT INTO idr.recipe_sizes
SELECT
    recipe,
    mean_bytes::DOUBLE AS mean_bytes
FROM read_csv(
    coalesce(getvariable('jumpduck_sql'), 'sql') || '/idr/recipe_sizes.csv',
    header = TRUE, all_varchar = TRUE, comment = '', skip = 0
);

COMMENT ON TABLE idr.recipe_sizes IS 'One row per recipe with the size of the file it makes';
COMMENT ON COLUMN idr.recipe_sizes.recipe IS 'Name of the recipe';
COMMENT ON COLUMN idr.recipe_sizes.mean_bytes IS 'Bytes of one file, NULL for the published size';
