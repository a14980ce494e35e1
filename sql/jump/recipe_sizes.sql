-- jump.recipe_sizes: one row per recipe with the size of the file it makes.
-- key: recipe
-- Measured on the five stains of a real Opera Phenix field (1080 x 1080, 16 bit), centre crop
-- 768 x 768; a size made from it is an estimate. NULL: as published, see jump.source_sizes.
CREATE OR REPLACE TABLE jump.recipe_sizes AS
SELECT
    recipe,
    mean_bytes
FROM (
    VALUES
    ('raw', NULL),
    ('png8', 212000.0)
) AS measured (recipe, mean_bytes); -- noqa: AL05

COMMENT ON TABLE jump.recipe_sizes IS
'One row per recipe with the size of the file it makes';
COMMENT ON COLUMN jump.recipe_sizes.recipe IS 'Name of the recipe';
COMMENT ON COLUMN jump.recipe_sizes.mean_bytes IS
'Bytes of one file, NULL for the published size';
