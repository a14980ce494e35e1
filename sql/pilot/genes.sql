-- pilot.genes: one row per guide or overexpression reagent.
-- key: Metadata_JCP2022
CREATE OR REPLACE TABLE pilot.genes (
    Metadata_JCP2022 VARCHAR,
    Metadata_Symbol VARCHAR,
    Metadata_modality VARCHAR,
    control_type VARCHAR,
    PRIMARY KEY (Metadata_JCP2022)
);

INSERT INTO pilot.genes
SELECT
    broad_sample AS Metadata_JCP2022,
    gene AS Metadata_Symbol,
    regexp_extract(filename, '_(crispr|orf)_', 1) AS Metadata_modality,
    control_type
FROM read_csv(
    [
        getvariable('pilot_platemaps') || '/JUMP-Target-1_crispr_metadata.tsv',
        getvariable('pilot_platemaps') || '/JUMP-Target-1_orf_metadata.tsv'
    ],
    delim = '\t', header = TRUE, all_varchar = TRUE, union_by_name = TRUE, filename = TRUE
)
WHERE broad_sample <> '';

COMMENT ON TABLE pilot.genes IS 'One row per guide or overexpression reagent';
COMMENT ON COLUMN pilot.genes.Metadata_JCP2022 IS 'Identifier: broad_sample';
COMMENT ON COLUMN pilot.genes.Metadata_Symbol IS 'Gene symbol';
COMMENT ON COLUMN pilot.genes.Metadata_modality IS 'crispr or orf';
COMMENT ON COLUMN pilot.genes.control_type IS 'negcon, poscon_... or NULL';
