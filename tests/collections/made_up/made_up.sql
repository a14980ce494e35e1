-- A made-up collection: three channels, 8 bit, plates of 4 x 6 wells, SQL alone.
-- It proves that a collection needs no Python, and is the smallest example of one.
BEGIN;
SET VARIABLE collection = 'made_up';
SET VARIABLE perturbation = 'Metadata_Compound';
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
.read sql/made_up/settings.sql
.read sql/made_up/channels.sql
.read sql/made_up/recipe_sizes.sql
.read sql/made_up/plates.sql
.read sql/made_up/compounds.sql
.read sql/made_up/wells.sql
.read sql/made_up/sites.sql
.read sql/made_up/problems.sql
.read sql/made_up/perturbation_names.sql
.read sql/made_up/find_perturbations.sql
.read sql/made_up/find.sql
.read sql/made_up/find_wells.sql
COMMIT;
