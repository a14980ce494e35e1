-- JUMP-lite: arrays of the five stains of a subset of JUMP's sites, in four packings.
-- Python fetches the tables of the release beforehand, because it looks for them in two places. One
-- transaction: a build that fails leaves the catalog as it was.
BEGIN;
SET VARIABLE collection = 'jump_lite';
SET VARIABLE perturbation = 'Metadata_JCP2022';
.read sql/common/collections.sql
.read sql/common/reported_issues.sql
.read sql/common/is_known_bad.sql
.read sql/common/add_controls.sql
.read sql/common/keep_imaged.sql
.read sql/common/drop_known_bad.sql
.read sql/common/sample_sites.sql
.read sql/common/spread_sites.sql
.read sql/common/bound_controls.sql
.read sql/common/within_budget.sql
.read sql/common/split_sites.sql
.read sql/common/list_files.sql
.read sql/common/list_plates.sql
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
