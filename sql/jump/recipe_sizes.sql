-- jump.recipe_sizes: one row per recipe with the size of the file it makes.
-- key: recipe
-- Measured on the five stains of a real Opera Phenix site (1080 x 1080, 16 bit), centre crop
-- 768 x 768; a size made from it is an estimate. NULL: as published, see jump.source_sizes.
CREATE OR REPLACE TABLE jump.recipe_sizes (
    recipe VARCHAR PRIMARY KEY,
    mean_bytes DOUBLE
);

INSERT INTO jump.recipe_sizes
SELECT
    recipe,
    mean_bytes::DOUBLE AS mean_bytes
FROM read_csv(
    coalesce(getvariable('jumpduck_sql'), 'sql') || '/jump/recipe_sizes.csv',
    header = TRUE, all_varchar = TRUE, comment = '', skip = 0
);

COMMENT ON TABLE jump.recipe_sizes IS
'One row per recipe with the size of the file it makes';
COMMENT ON COLUMN jump.recipe_sizes.recipe IS 'Name of the recipe';
COMMENT ON COLUMN jump.recipe_sizes.mean_bytes IS
'Bytes of one file, NULL for the published size';
