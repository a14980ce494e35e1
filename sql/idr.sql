-- The Image Data Resource (IDR): published plates and annotations of a study -> sites with images.
-- Python fetches the tables of the studies beforehand, because a plate has a file of its own that
-- names its images. One transaction: a build that fails leaves the catalog as it was.
BEGIN;
SET VARIABLE collection = 'idr';
SET VARIABLE perturbation = 'Metadata_Perturbation';
.read sql/common.sql
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
