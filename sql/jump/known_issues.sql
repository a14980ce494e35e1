-- jump.known_issues: one row per defect that somebody has reported.
-- key: none, a place may have several.
-- A column of the place that is NULL means all of them. What is to be dropped stays out of
-- manifests unless asked for; what is flagged comes along with the words in known_issue. A report
-- says what was true when it was written: a flag is no more than that. JUMP-lite gives no reasons
-- for what it leaves out, so neither does this table. What is outside names a plate that no
-- published table has: no site can meet it, and it says why the plate is not here.
CREATE OR REPLACE TABLE jump.known_issues (
    Metadata_Source VARCHAR NOT NULL,
    Metadata_Batch VARCHAR,
    Metadata_Plate VARCHAR,
    Metadata_Well VARCHAR,
    Metadata_Site INTEGER,
    Metadata_Channel VARCHAR,
    consequence VARCHAR NOT NULL CHECK (consequence IN ('drop', 'flag', 'outside')),
    what VARCHAR NOT NULL,
    report VARCHAR NOT NULL
);

INSERT INTO jump.known_issues
SELECT
    Metadata_Source,
    Metadata_Batch,
    Metadata_Plate,
    Metadata_Well,
    Metadata_Site::INTEGER AS Metadata_Site,
    Metadata_Channel,
    consequence,
    what,
    report
FROM read_csv(
    coalesce(getvariable('jumpduck_sql'), 'sql') || '/jump/known_issues.csv',
    header = TRUE, all_varchar = TRUE, comment = '', skip = 0
);

COMMENT ON TABLE jump.known_issues IS 'One row per defect that somebody has reported';
COMMENT ON COLUMN jump.known_issues.Metadata_Source IS 'Source it concerns';
COMMENT ON COLUMN jump.known_issues.Metadata_Batch IS 'Batch it concerns, NULL for all';
COMMENT ON COLUMN jump.known_issues.Metadata_Plate IS 'Plate it concerns, NULL for all';
COMMENT ON COLUMN jump.known_issues.Metadata_Well IS 'Well it concerns, NULL for all';
COMMENT ON COLUMN jump.known_issues.Metadata_Site IS 'Site it concerns, NULL for all';
COMMENT ON COLUMN jump.known_issues.Metadata_Channel IS 'Channel it concerns, NULL for all';
COMMENT ON COLUMN jump.known_issues.consequence IS
'drop: stays out of manifests; flag: comes along, with the words; outside: no table has the plate';
COMMENT ON COLUMN jump.known_issues.what IS 'What is wrong';
COMMENT ON COLUMN jump.known_issues.report IS 'Where it was reported';
