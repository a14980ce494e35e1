-- jump_lite.wells: one row per well that the release says the perturbation of.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well
CREATE OR REPLACE TABLE jump_lite.wells (
    Metadata_Source VARCHAR,
    Metadata_Batch VARCHAR,
    Metadata_Plate VARCHAR,
    Metadata_Well VARCHAR,
    Metadata_JCP2022 VARCHAR,
    Metadata_broad_sample VARCHAR,
    Metadata_Symbol VARCHAR,
    Metadata_pert_type VARCHAR NOT NULL,
    Metadata_modality VARCHAR,
    Metadata_Group VARCHAR,
    PRIMARY KEY (Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well)
);

INSERT INTO jump_lite.wells
SELECT
    Metadata_Source,
    Metadata_Batch,
    Metadata_Plate,
    Metadata_Well,
    Metadata_JCP2022,
    Metadata_broad_sample,
    nullif(Metadata_Symbol, '') AS Metadata_Symbol,
    CASE
        WHEN Metadata_pert_type IN ('trt', 'negcon', 'poscon', 'empty') THEN Metadata_pert_type
        ELSE 'unknown'
    END AS Metadata_pert_type,
    Metadata_Perturbation_Type AS Metadata_modality,
    Metadata_Group
FROM read_parquet(getvariable('jump_lite_perturbations'));

COMMENT ON TABLE jump_lite.wells IS
'One row per well that the release says the perturbation of';
