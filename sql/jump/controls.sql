-- jump.controls: one row per perturbation that is a control, or no treatment.
-- key: Metadata_JCP2022
-- empty means untreated cells, as the maintainers say: jump-cellpainting/JUMP-Target#29 and
-- jump-cellpainting/datasets#24.
CREATE OR REPLACE TABLE jump.controls (
    Metadata_JCP2022 VARCHAR,
    Metadata_pert_type VARCHAR,
    Metadata_Name VARCHAR,
    Metadata_modality VARCHAR,
    PRIMARY KEY (Metadata_JCP2022)
);

INSERT INTO jump.controls
SELECT
    Metadata_JCP2022,
    Metadata_pert_type,
    Metadata_Name,
    Metadata_modality
FROM read_csv(
    getvariable('jump_metadata_copy') || '/perturbation_control.csv',
    header = TRUE, all_varchar = TRUE, comment = '', skip = 0
);

COMMENT ON TABLE jump.controls IS
'One row per perturbation that is a control, or no treatment';
COMMENT ON COLUMN jump.controls.Metadata_JCP2022 IS 'Identifier of the perturbation';
COMMENT ON COLUMN jump.controls.Metadata_pert_type IS
'Its role: negcon, poscon or empty (untreated cells)';
COMMENT ON COLUMN jump.controls.Metadata_Name IS 'Its everyday name: DMSO, AMG900, PLK1 ...';
COMMENT ON COLUMN jump.controls.Metadata_modality IS 'compound, crispr, orf or any';
