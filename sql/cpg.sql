-- Any project of the Cell Painting Gallery: its load_data, and its platemaps.
-- Python fetches the load_data of each plate and the platemaps, and sets cpg_images and so on.
BEGIN;
SET VARIABLE collection = 'cpg';
SET VARIABLE perturbation = 'Metadata_Perturbation';
.read sql/common/collections.sql
.read sql/common/as_pattern.sql
.read sql/common/gallery_url.sql
.read sql/common/read_url.sql
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
.read sql/image_lists/well_name.sql
.read sql/image_lists/printable.sql
.read sql/image_lists/is_plain_name.sql
.read sql/image_lists/check_images.sql
.read sql/image_lists/list_channels.sql
.read sql/image_lists/describe_wells.sql
.read sql/image_lists/list_sites.sql
.read sql/image_lists/list_problems.sql
.read sql/image_lists/list_names.sql
.read sql/image_lists/find_named.sql
.read sql/image_lists/find_sites.sql
.read sql/image_lists/find_imaged_wells.sql
.read sql/cpg/settings.sql
.read sql/cpg/notes.sql
.read sql/cpg/images.sql
.read sql/cpg/channels.sql
.read sql/cpg/plates.sql
.read sql/cpg/wells.sql
.read sql/cpg/sites.sql
.read sql/cpg/problems.sql
.read sql/cpg/perturbation_names.sql
.read sql/cpg/recipe_sizes.sql
.read sql/cpg/find_perturbations.sql
.read sql/cpg/find.sql
.read sql/cpg/find_wells.sql
COMMIT;
