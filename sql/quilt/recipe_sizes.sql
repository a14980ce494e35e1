-- quilt.recipe_sizes: one row per recipe with the size of the file it makes.
-- key: recipe
-- NULL: a package says how large its files are, and not how large its planes.
CREATE OR REPLACE TABLE quilt.recipe_sizes AS
SELECT
    'raw' AS recipe,
    NULL::DOUBLE AS mean_bytes;

COMMENT ON TABLE quilt.recipe_sizes IS 'One row per recipe with the size of the file it makes';
COMMENT ON COLUMN quilt.recipe_sizes.recipe IS 'Recipe of `jumpduck download`';
COMMENT ON COLUMN quilt.recipe_sizes.mean_bytes IS 'Mean size of its files, NULL if unknown';
