-- jump.orfs: one row per overexpression reagent.
-- key: Metadata_JCP2022
-- The published Metadata_pert_type is left out on purpose: jump.controls supersedes it.
CREATE OR REPLACE TABLE jump.orfs (
    Metadata_JCP2022 VARCHAR,
    Metadata_Symbol VARCHAR,
    Metadata_NCBI_Gene_ID VARCHAR,
    PRIMARY KEY (Metadata_JCP2022)
);

INSERT INTO jump.orfs
SELECT
    Metadata_JCP2022,
    Metadata_Symbol,
    Metadata_NCBI_Gene_ID
FROM read_csv(
    getvariable('jump_metadata_copy') || '/orf.csv.gz', header = TRUE, all_varchar = TRUE
);

COMMENT ON TABLE jump.orfs IS 'One row per overexpression reagent';
COMMENT ON COLUMN jump.orfs.Metadata_JCP2022 IS 'Identifier of the perturbation';
COMMENT ON COLUMN jump.orfs.Metadata_Symbol IS 'Gene symbol';
COMMENT ON COLUMN jump.orfs.Metadata_NCBI_Gene_ID IS
'NCBI gene number; a word such as LUCIFERASE for controls';
