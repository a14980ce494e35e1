-- A lab's own plates: a samplesheet, a pattern of file names or an index of Harmony, and a platemap.
-- What lies on the disk or in the bucket is listed by Python, which sets own_images and so on.
BEGIN;
SET VARIABLE collection = 'own';
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
.read sql/own/settings.sql
.read sql/own/notes.sql
.read sql/own/images.sql
.read sql/own/channels.sql
.read sql/own/plates.sql
.read sql/own/wells.sql
.read sql/own/sites.sql
.read sql/own/problems.sql
.read sql/own/perturbation_names.sql
.read sql/own/recipe_sizes.sql
.read sql/own/find_perturbations.sql
.read sql/own/find.sql
.read sql/own/find_wells.sql
COMMIT;
