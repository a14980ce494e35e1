-- own.notes: one row per problem that was found before the SQL ran.
-- key: reason
CREATE OR REPLACE TABLE own.notes AS
SELECT
    Metadata_Source,
    Metadata_Batch,
    Metadata_Plate,
    reason,
    lines::BIGINT AS lines
FROM read_parquet(getvariable('own_notes'));

COMMENT ON TABLE own.notes IS 'One row per problem that was found before the SQL ran';
COMMENT ON COLUMN own.notes.Metadata_Source IS 'Source, NULL if no plate is named';
COMMENT ON COLUMN own.notes.Metadata_Batch IS 'Batch, NULL if no plate is named';
COMMENT ON COLUMN own.notes.Metadata_Plate IS 'Plate, NULL if no plate is named';
COMMENT ON COLUMN own.notes.reason IS 'What is wrong';
COMMENT ON COLUMN own.notes.lines IS 'Files or lines that it concerns, NULL if the whole plate';
