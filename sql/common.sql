-- What all collections share: which one the catalog holds, and the macros of a selection.
-- A driver reads it after its two variables.
.read sql/common/collections.sql
.read sql/common/as_pattern.sql
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
