-- made_up.recipe_sizes: one row per recipe with the size of the file it makes.
CREATE OR REPLACE TABLE made_up.recipe_sizes AS
SELECT
    'png8' AS recipe,
    5000.0 AS mean_bytes;
