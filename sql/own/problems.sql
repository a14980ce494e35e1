-- own.problems: one row per plate and reason why something could not be read or is doubtful.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, reason
CREATE OR REPLACE TABLE own.problems AS
SELECT * FROM list_problems(own.images, own.plates, own.wells, own.sites, own.channels, own.notes)
ORDER BY ALL;

COMMENT ON TABLE own.problems IS
'One row per plate and reason why something could not be read or is doubtful';
COMMENT ON COLUMN own.problems.Metadata_Source IS 'Source, NULL if no plate is named';
COMMENT ON COLUMN own.problems.Metadata_Batch IS 'Batch, NULL if no plate is named';
COMMENT ON COLUMN own.problems.Metadata_Plate IS 'Plate, NULL if no plate is named';
COMMENT ON COLUMN own.problems.reason IS 'Why';
COMMENT ON COLUMN own.problems.lines IS 'Lines or files that it concerns, NULL if the whole plate';
