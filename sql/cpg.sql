-- Any project of the Cell Painting Gallery: its load_data, and its platemaps.
-- Python fetches the load_data of each plate and the platemaps, and sets cpg_images and so on.
BEGIN;
SET VARIABLE collection = 'cpg';
SET VARIABLE perturbation = 'Metadata_Perturbation';
.read sql/common.sql
.read sql/common/gallery_url.sql
.read sql/common/read_url.sql
.read sql/image_lists.sql
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
