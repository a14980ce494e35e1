-- cpg.problems: one row per plate and reason why something could not be read or is doubtful.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, reason
CREATE OR REPLACE TABLE cpg.problems AS
SELECT * FROM list_problems(cpg.images, cpg.plates, cpg.wells, cpg.sites, cpg.channels, cpg.notes)
ORDER BY ALL;

COMMENT ON TABLE cpg.problems IS
'One row per plate and reason why something could not be read or is doubtful';
COMMENT ON COLUMN cpg.problems.Metadata_Source IS 'Source, NULL if no plate is named';
COMMENT ON COLUMN cpg.problems.Metadata_Batch IS 'Batch, NULL if no plate is named';
COMMENT ON COLUMN cpg.problems.Metadata_Plate IS 'Plate, NULL if no plate is named';
COMMENT ON COLUMN cpg.problems.reason IS 'Why';
COMMENT ON COLUMN cpg.problems.lines IS 'Lines or files that it concerns, NULL if the whole plate';
