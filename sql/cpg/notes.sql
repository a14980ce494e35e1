-- cpg.notes: one row per problem that was found before the SQL ran.
-- key: reason
CREATE OR REPLACE TABLE cpg.notes AS
SELECT
    Metadata_Source,
    Metadata_Batch,
    Metadata_Plate,
    reason,
    lines::BIGINT AS lines
FROM read_parquet(getvariable('cpg_notes'));

COMMENT ON TABLE cpg.notes IS 'One row per problem that was found before the SQL ran';
COMMENT ON COLUMN cpg.notes.Metadata_Source IS 'Source, NULL if no plate is named';
COMMENT ON COLUMN cpg.notes.Metadata_Batch IS 'Batch, NULL if no plate is named';
COMMENT ON COLUMN cpg.notes.Metadata_Plate IS 'Plate, NULL if no plate is named';
COMMENT ON COLUMN cpg.notes.reason IS 'What is wrong';
COMMENT ON COLUMN cpg.notes.lines IS 'Files or lines that it concerns, NULL if the whole plate';
