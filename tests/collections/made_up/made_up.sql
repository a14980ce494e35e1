-- A made-up collection: three channels, 8 bit, plates of 4 x 6 wells, SQL alone.
-- It proves that a collection needs no Python, and is the smallest example of one.
BEGIN;
SET VARIABLE collection = 'made_up';
SET VARIABLE perturbation = 'Metadata_Compound';
.read sql/common.sql
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
