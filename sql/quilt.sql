-- A package of Quilt: a pinned list of files with their hashes, and a table that says what they are.
-- Python fetches the manifest of the package and its table beforehand, and checks the top hash when
-- hashed_parts is there.
BEGIN;
SET VARIABLE collection = 'quilt';
SET VARIABLE perturbation = 'Metadata_Perturbation';
.read sql/common.sql
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
