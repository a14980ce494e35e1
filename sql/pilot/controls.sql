-- pilot.controls: one row per perturbation that is a control, or no treatment.
-- key: Metadata_JCP2022
-- Wells without a sample hold the solvent on compound plates, and untreated cells on the others:
-- jump-cellpainting/JUMP-Target#29.
CREATE OR REPLACE TABLE pilot.controls (
    Metadata_JCP2022 VARCHAR,
    Metadata_pert_type VARCHAR,
    Metadata_Name VARCHAR,
    Metadata_modality VARCHAR,
    PRIMARY KEY (Metadata_JCP2022)
);

INSERT INTO pilot.controls
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
    Metadata_modality
FROM pilot.genes
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
'One row per perturbation that is a control, or no treatment';
COMMENT ON COLUMN pilot.controls.Metadata_JCP2022 IS 'Identifier: broad_sample';
COMMENT ON COLUMN pilot.controls.Metadata_pert_type IS
'Its role: negcon, poscon or empty (untreated cells)';
COMMENT ON COLUMN pilot.controls.Metadata_Name IS 'Its everyday name';
COMMENT ON COLUMN pilot.controls.Metadata_modality IS 'compound, crispr, orf or any';
