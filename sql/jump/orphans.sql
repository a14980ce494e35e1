-- jump.orphans: one row per key that another published table should know and does not.
-- key: what, Metadata_Source, Metadata_Plate, Metadata_JCP2022
-- Nothing is dropped for being here: this is where it can be seen.
CREATE OR REPLACE VIEW jump.orphans AS
WITH undescribed AS (
    SELECT Metadata_JCP2022 FROM jump.perturbations
    WHERE Metadata_pert_type = 'unknown'
)

SELECT
    'wells of a plate that is in no table of plates' AS what,
    Metadata_Source,
    Metadata_Plate,
    NULL AS Metadata_JCP2022,
    count(*) AS wells
FROM jump.wells
ANTI JOIN jump.plates USING (Metadata_Source, Metadata_Plate)
GROUP BY ALL
UNION ALL
SELECT
    'plate without wells' AS what,
    Metadata_Source,
    Metadata_Plate,
    NULL AS Metadata_JCP2022,
    0 AS wells
FROM jump.plates
ANTI JOIN jump.wells USING (Metadata_Source, Metadata_Plate)
UNION ALL
SELECT
    'perturbation of wells that no table describes' AS what,
    NULL AS Metadata_Source,
    NULL AS Metadata_Plate,
    Metadata_JCP2022,
    count(*) AS wells
FROM jump.wells
SEMI JOIN undescribed USING (Metadata_JCP2022)
GROUP BY ALL
UNION ALL
SELECT
    'perturbation without wells' AS what,
    NULL AS Metadata_Source,
    NULL AS Metadata_Plate,
    Metadata_JCP2022,
    0 AS wells
FROM jump.perturbations
ANTI JOIN jump.wells USING (Metadata_JCP2022);

COMMENT ON VIEW jump.orphans IS
'One row per key that another published table should know and does not';
COMMENT ON COLUMN jump.orphans.what IS 'Which table does not know which key';
COMMENT ON COLUMN jump.orphans.Metadata_Source IS 'Source, where a plate is the orphan';
COMMENT ON COLUMN jump.orphans.Metadata_Plate IS 'Plate, where one is the orphan';
COMMENT ON COLUMN jump.orphans.Metadata_JCP2022 IS
'Perturbation, where one is the orphan';
COMMENT ON COLUMN jump.orphans.wells IS 'Wells that it concerns';
