-- jump_lite.problems: one row per plate with lines of the index that are not used, and reason.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, reason
CREATE OR REPLACE VIEW jump_lite.problems AS
SELECT
    Metadata_Source,
    Metadata_Batch,
    Metadata_Plate,
    reason,
    count(*) AS lines
FROM jump_lite.site_index
WHERE reason IS NOT NULL
GROUP BY ALL;

COMMENT ON VIEW jump_lite.problems IS
'One row per plate with lines of the index that are not used, and reason';
