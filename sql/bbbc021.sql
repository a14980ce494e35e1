-- BBBC021: the image table and the mechanisms of action -> sites with their images in 55 zips.
-- Run from the folder that holds sql/:  duckdb catalog.duckdb -c '.read sql/bbbc021.sql'
-- The order of the files stands here and nowhere else. Where to read is set before, see
-- sql/bbbc021/settings.sql. One transaction: a build that fails leaves the catalog as it was.
BEGIN;
SET VARIABLE collection = 'bbbc021';
SET VARIABLE perturbation = 'Metadata_Compound';
.read sql/common.sql
.read sql/bbbc021/settings.sql
.read sql/bbbc021/channels.sql
.read sql/bbbc021/controls.sql
.read sql/bbbc021/recipe_sizes.sql
.read sql/bbbc021/image_lines.sql
.read sql/bbbc021/mechanisms.sql
.read sql/bbbc021/compounds.sql
.read sql/bbbc021/plates.sql
.read sql/bbbc021/sites.sql
.read sql/bbbc021/treatments.sql
.read sql/bbbc021/problems.sql
.read sql/bbbc021/perturbation_names.sql
.read sql/bbbc021/find_perturbations.sql
.read sql/bbbc021/explain_name.sql
.read sql/bbbc021/find.sql
.read sql/bbbc021/find_wells.sql
COMMIT;
