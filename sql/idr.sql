-- The Image Data Resource (IDR): published plates and annotations of a study -> sites with images.
-- Python fetches the tables of the studies beforehand, because a plate has a file of its own that
-- names its images. One transaction: a build that fails leaves the catalog as it was.
BEGIN;
SET VARIABLE collection = 'idr';
SET VARIABLE perturbation = 'Metadata_Perturbation';
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
.read sql/idr/settings.sql
.read sql/idr/studies.sql
.read sql/idr/recipe_sizes.sql
.read sql/idr/plates.sql
.read sql/idr/annotations.sql
.read sql/idr/dose.sql
.read sql/idr/wells.sql
.read sql/idr/named_files.sql
.read sql/idr/channels.sql
.read sql/idr/fields.sql
.read sql/idr/frames.sql
.read sql/idr/sites.sql
.read sql/idr/problems.sql
.read sql/idr/perturbation_names.sql
.read sql/idr/find_perturbations.sql
.read sql/idr/find.sql
.read sql/idr/find_wells.sql
COMMIT;
