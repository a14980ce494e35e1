-- cpg.recipe_sizes: one row per recipe with the size of the file it makes.
-- key: recipe
-- Those of JUMP's images, because nothing is known of others.
CREATE OR REPLACE TABLE cpg.recipe_sizes AS
SELECT
    recipe,
    mean_bytes::DOUBLE AS mean_bytes
FROM read_csv(
    coalesce(getvariable('jumpduck_sql'), 'sql') || '/jump/recipe_sizes.csv',
    header = TRUE, all_varchar = TRUE, comment = '', skip = 0
);

COMMENT ON TABLE cpg.recipe_sizes IS 'One row per recipe with the size of the file it makes';
COMMENT ON COLUMN cpg.recipe_sizes.recipe IS 'Name of the recipe';
COMMENT ON COLUMN cpg.recipe_sizes.mean_bytes IS
'Bytes of one file, NULL for the published size';
