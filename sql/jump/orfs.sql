-- jump.orfs: one row per overexpression reagent.
-- key: Metadata_JCP2022
-- The published Metadata_pert_type is left out on purpose: jump.controls supersedes it. The text NA
-- stands for what is not known, so it becomes NULL. The first SELECT names every column we
-- use: a table without one of them gives NULLs instead of an error.
CREATE OR REPLACE TABLE jump.orfs (
    Metadata_JCP2022 VARCHAR,
    Metadata_broad_sample VARCHAR,
    Metadata_Symbol VARCHAR,
    Metadata_NCBI_Gene_ID VARCHAR,
    Metadata_Transcript VARCHAR,
    Metadata_Vector VARCHAR,
    Metadata_Prot_Match DOUBLE,
    PRIMARY KEY (Metadata_JCP2022)
);

INSERT INTO jump.orfs
WITH published AS (
    SELECT
        NULL::VARCHAR AS Metadata_JCP2022,
        NULL::VARCHAR AS Metadata_broad_sample,
        NULL::VARCHAR AS Metadata_Symbol,
        NULL::VARCHAR AS Metadata_NCBI_Gene_ID,
        NULL::VARCHAR AS Metadata_Transcript,
        NULL::VARCHAR AS Metadata_Vector,
        NULL::VARCHAR AS Metadata_Prot_Match
    WHERE FALSE
    UNION ALL BY NAME
    FROM read_csv(
        getvariable('jump_metadata_copy') || '/orf.csv.gz',
        header = TRUE, all_varchar = TRUE, comment = '', skip = 0, compression = 'gzip'
    )
)

SELECT
    Metadata_JCP2022,
    Metadata_broad_sample,
    nullif(Metadata_Symbol, 'NA') AS Metadata_Symbol,
    nullif(Metadata_NCBI_Gene_ID, 'NA') AS Metadata_NCBI_Gene_ID,
    nullif(Metadata_Transcript, 'NA') AS Metadata_Transcript,
    nullif(Metadata_Vector, 'NA') AS Metadata_Vector,
    try_cast(Metadata_Prot_Match AS DOUBLE) AS Metadata_Prot_Match
FROM published;

COMMENT ON TABLE jump.orfs IS 'One row per overexpression reagent';
COMMENT ON COLUMN jump.orfs.Metadata_JCP2022 IS 'Identifier of the perturbation';
COMMENT ON COLUMN jump.orfs.Metadata_broad_sample IS
'Identifier of the reagent; BAD CONSTRUCT where it was not what it should have been';
COMMENT ON COLUMN jump.orfs.Metadata_Symbol IS 'Gene symbol, NULL where the gene is not known';
COMMENT ON COLUMN jump.orfs.Metadata_NCBI_Gene_ID IS
'NCBI gene number; a word such as LUCIFERASE for controls';
COMMENT ON COLUMN jump.orfs.Metadata_Transcript IS 'Transcript that the reagent was made from';
COMMENT ON COLUMN jump.orfs.Metadata_Vector IS 'Plasmid that carries it';
COMMENT ON COLUMN jump.orfs.Metadata_Prot_Match IS
'Percent of its protein that matches that of the transcript';
