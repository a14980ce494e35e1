-- made_up.problems: nothing can go wrong here, therefore there are no rows.
CREATE OR REPLACE VIEW made_up.problems AS
SELECT
    Metadata_Source,
    Metadata_Batch,
    Metadata_Plate,
    NULL::VARCHAR AS reason,
    NULL::BIGINT AS lines
FROM made_up.plates
WHERE FALSE;
