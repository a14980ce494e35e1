-- A lab's own plates: a samplesheet, a pattern of file names or an index of Harmony, and a platemap.
-- What lies on the disk or in the bucket is listed by Python, which sets own_images and so on.
BEGIN;
SET VARIABLE collection = 'own';
SET VARIABLE perturbation = 'Metadata_Perturbation';
.read sql/common.sql
.read sql/image_lists.sql
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
