-- A package of Quilt: a pinned list of files with their hashes, and a table that says what they are.
-- Python fetches the manifest of the package and its table beforehand, and checks the top hash when
-- hashed_parts is there.
BEGIN;
SET VARIABLE collection = 'quilt';
SET VARIABLE perturbation = 'Metadata_Perturbation';
.read sql/common/collections.sql
.read sql/common/as_pattern.sql
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
.read sql/quilt/settings.sql
.read sql/quilt/manifest_lines.sql
.read sql/quilt/hashed_parts.sql
.read sql/quilt/entries.sql
.read sql/quilt/named_rows.sql
.read sql/quilt/own_rows.sql
.read sql/quilt/image_columns.sql
.read sql/quilt/pages.sql
.read sql/quilt/named_images.sql
.read sql/quilt/images.sql
.read sql/quilt/site_keys.sql
.read sql/quilt/channels.sql
.read sql/quilt/layouts.sql
.read sql/quilt/recipe_sizes.sql
.read sql/quilt/sites.sql
.read sql/quilt/plates.sql
.read sql/quilt/problems.sql
.read sql/quilt/perturbation_names.sql
.read sql/quilt/find_perturbations.sql
.read sql/quilt/find.sql
.read sql/quilt/find_wells.sql
COMMIT;
