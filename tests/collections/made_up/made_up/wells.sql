-- made_up.wells: one row per well: the first column holds solvent, the last one taxol.
CREATE OR REPLACE TABLE made_up.wells AS
SELECT
    plates.Metadata_Source,
    plates.Metadata_Batch,
    plates.Metadata_Plate,
    letters.letter || '0' || columns.number AS Metadata_Well,
    CASE columns.number WHEN 1 THEN 'c0' WHEN 6 THEN 'c1' ELSE 'c2' END AS Metadata_Compound,
    columns.number / 2 AS Metadata_Dose
FROM made_up.plates AS plates
CROSS JOIN unnest(['A', 'B', 'C', 'D']) AS letters (letter)
CROSS JOIN range(1, 7) AS columns (number);
