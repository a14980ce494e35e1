-- bbbc021.problems: one row per plate and reason why lines of its cannot be used.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, reason
-- A mechanism of action that no site has got is one, too, because then a name or a dose of the two
-- tables does not fit.
CREATE OR REPLACE VIEW bbbc021.problems AS
SELECT
    Metadata_Source,
    Metadata_Batch,
    Metadata_Plate,
    reason,
    count(*) AS lines
FROM bbbc021.image_lines
WHERE reason IS NOT NULL
GROUP BY ALL
UNION ALL
SELECT
    NULL AS Metadata_Source,
    NULL AS Metadata_Batch,
    NULL AS Metadata_Plate,
    'no site has a compound and dose of the mechanisms: ' || mechanisms.Metadata_Compound || ' at '
    || mechanisms.micromolar::DOUBLE AS reason,
    NULL AS lines
FROM bbbc021.mechanisms AS mechanisms
ANTI JOIN bbbc021.image_lines AS lines
    ON
        mechanisms.Metadata_Compound = lines.Metadata_Compound
        AND mechanisms.micromolar = lines.micromolar
        AND lines.reason IS NULL;

COMMENT ON VIEW bbbc021.problems IS
'One row per plate and reason why lines of its cannot be used';
COMMENT ON COLUMN bbbc021.problems.Metadata_Source IS 'Source, NULL if no plate is named';
COMMENT ON COLUMN bbbc021.problems.Metadata_Batch IS 'Batch, NULL if no plate is named';
COMMENT ON COLUMN bbbc021.problems.Metadata_Plate IS 'Plate, NULL if no plate is named';
COMMENT ON COLUMN bbbc021.problems.reason IS 'Why';
COMMENT ON COLUMN bbbc021.problems.lines IS 'Lines of the image table that it concerns';
