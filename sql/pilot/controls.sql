-- pilot.controls: one row per perturbation that is a control, or nothing at all.
-- key: Metadata_JCP2022
-- Wells without a sample hold the solvent on compound plates, and nothing on the others.
CREATE OR REPLACE TABLE pilot.controls AS
SELECT
    Metadata_JCP2022,
    split_part(control_type, '_', 1) AS Metadata_pert_type,
    name AS Metadata_Name,
    'compound' AS Metadata_modality
FROM pilot.compounds
WHERE regexp_full_match(control_type, '(neg|pos)con.*')
UNION ALL
SELECT
    Metadata_JCP2022,
    split_part(control_type, '_', 1) AS Metadata_pert_type,
    coalesce(nullif(Metadata_Symbol, ''), 'non-targeting') AS Metadata_Name,
    'crispr' AS Metadata_modality
FROM pilot.crisprs
WHERE regexp_full_match(control_type, '(neg|pos)con.*')
UNION ALL
SELECT
    'DMSO' AS Metadata_JCP2022,
    'negcon' AS Metadata_pert_type,
    'DMSO' AS Metadata_Name,
    'compound' AS Metadata_modality
WHERE 'DMSO' NOT IN (SELECT Metadata_JCP2022 FROM pilot.compounds)
UNION ALL
SELECT
    'EMPTY' AS Metadata_JCP2022,
    'empty' AS Metadata_pert_type,
    'Empty' AS Metadata_Name,
    'any' AS Metadata_modality;

COMMENT ON TABLE pilot.controls IS
'One row per perturbation that is a control, or nothing at all';
COMMENT ON COLUMN pilot.controls.Metadata_JCP2022 IS 'Identifier: broad_sample';
COMMENT ON COLUMN pilot.controls.Metadata_pert_type IS 'Its role: negcon, poscon or empty';
COMMENT ON COLUMN pilot.controls.Metadata_Name IS 'Its everyday name';
COMMENT ON COLUMN pilot.controls.Metadata_modality IS 'compound, crispr or any';
