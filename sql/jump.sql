-- The JUMP collection (cpg0016): published metadata + load_data -> sites with their images.
-- Run from the folder that holds sql/:  duckdb catalog.duckdb -c '.read sql/jump.sql'
-- The order of the files stands here and nowhere else. Where to read is set before, see
-- sql/README.md. One transaction: a build that fails leaves the catalog as it was.
BEGIN;
SET VARIABLE collection = 'jump';
SET VARIABLE perturbation = 'Metadata_JCP2022';
.read sql/common.sql
.read sql/common/gallery_url.sql
.read sql/common/read_url.sql
.read sql/jump/settings.sql
.read sql/jump/channels.sql
.read sql/jump/plates.sql
.read sql/jump/wells.sql
.read sql/jump/compounds.sql
.read sql/jump/orfs.sql
.read sql/jump/crisprs.sql
.read sql/jump/controls.sql
.read sql/jump/compound_sources.sql
.read sql/jump/microscopes.sql
.read sql/jump/microscope_filters.sql
.read sql/jump/cellprofiler_versions.sql
.read sql/jump/source_sizes.sql
.read sql/jump/recipe_sizes.sql
.read sql/jump/gene_info.sql
.read sql/jump/annotation_files.sql
.read sql/jump/annotations.sql
.read sql/jump/concentrations.sql
.read sql/jump/concentration.sql
.read sql/jump/site_perturbations.sql
.read sql/jump/perturbations.sql
.read sql/jump/perturbation_names.sql
.read sql/jump/find_perturbations.sql
.read sql/jump/explain_name.sql
.read sql/jump/orphans.sql
.read sql/jump/well_annotations.sql
.read sql/jump/profiles.sql
.read sql/jump/known_issues.sql
.read sql/jump/treatments.sql
.read sql/jump/named_plates.sql
.read sql/jump/load_data_files.sql
.read sql/jump/plate_issues.sql
.read sql/jump/given.sql
.read sql/jump/split_line.sql
.read sql/jump/load_data_columns.sql
.read sql/jump/load_data_lines.sql
.read sql/jump/imaged_plates.sql
.read sql/jump/sites.sql
.read sql/jump/problems.sql
.read sql/jump/find.sql
.read sql/jump/find_wells.sql
COMMIT;
