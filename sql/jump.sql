-- The JUMP collection (cpg0016): published metadata + load_data -> a manifest of images.
-- Run from the folder that holds sql/:  duckdb catalog.duckdb -c '.read sql/jump.sql'
-- Order lives here and nowhere else. Where to read is set beforehand, see sql/README.md.
.read sql/jump/settings.sql
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
.read sql/jump/perturbations.sql
.read sql/jump/find_perturbations.sql
.read sql/jump/orphans.sql
.read sql/jump/known_issues.sql
.read sql/jump/plate_issues.sql
.read sql/jump/treatments.sql
.read sql/jump/load_data_files.sql
.read sql/jump/gallery_url.sql
.read sql/jump/load_rows.sql
.read sql/jump/sites.sql
.read sql/jump/read_url.sql
.read sql/jump/of_channels.sql
.read sql/jump/issues_of.sql
.read sql/jump/images.sql
.read sql/jump/select_sites.sql
.read sql/jump/sample_sites.sql
.read sql/jump/site_files.sql
.read sql/jump/manifest.sql
.read sql/jump/find.sql
