-- JUMP-lite: arrays of the five stains of a subset of JUMP's sites, in four packings.
-- Python fetches the tables of the release beforehand, because it looks for them in two places. One
-- transaction: a build that fails leaves the catalog as it was.
BEGIN;
SET VARIABLE collection = 'jump_lite';
SET VARIABLE perturbation = 'Metadata_JCP2022';
.read sql/common.sql
.read sql/image_lists/is_plain_name.sql
.read sql/jump_lite/settings.sql
.read sql/jump_lite/channels.sql
.read sql/jump_lite/packages.sql
.read sql/jump_lite/recipe_sizes.sql
.read sql/jump_lite/wells.sql
.read sql/jump_lite/site_index.sql
.read sql/jump_lite/plates.sql
.read sql/jump_lite/sites.sql
.read sql/jump_lite/embedding_sets.sql
.read sql/jump_lite/embeddings.sql
.read sql/jump_lite/problems.sql
.read sql/jump_lite/perturbation_names.sql
.read sql/jump_lite/find_perturbations.sql
.read sql/jump_lite/find.sql
.read sql/jump_lite/find_wells.sql
COMMIT;
