-- bbbc021.recipe_sizes: one row per recipe with the size of the file it makes.
-- key: recipe
-- png8 is that of JUMP's images, whose crop has as many pixels; it was not measured on these.
-- NULL: as published.
CREATE OR REPLACE TABLE bbbc021.recipe_sizes (
    recipe VARCHAR PRIMARY KEY,
    mean_bytes DOUBLE
);

INSERT INTO bbbc021.recipe_sizes
VALUES
    ('raw', NULL),
    ('png8', 212000);

COMMENT ON TABLE bbbc021.recipe_sizes IS
'One row per recipe with the size of the file it makes';
COMMENT ON COLUMN bbbc021.recipe_sizes.recipe IS 'Name of the recipe';
COMMENT ON COLUMN bbbc021.recipe_sizes.mean_bytes IS
'Bytes of one file, NULL for the published size';
