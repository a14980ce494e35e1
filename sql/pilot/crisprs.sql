-- pilot.crisprs: one row per guide.
-- key: Metadata_JCP2022
CREATE OR REPLACE TABLE pilot.crisprs AS
SELECT
    broad_sample AS Metadata_JCP2022,
    gene AS Metadata_Symbol,
    NULL::VARCHAR AS Metadata_NCBI_Gene_ID,
    control_type
FROM read_csv(
    getvariable('pilot_platemaps') || '/JUMP-Target-1_crispr_metadata.tsv',
    delim = '\t', header = TRUE, all_varchar = TRUE
)
WHERE broad_sample <> '';

COMMENT ON TABLE pilot.crisprs IS 'One row per guide';
COMMENT ON COLUMN pilot.crisprs.Metadata_JCP2022 IS 'Identifier: broad_sample';
COMMENT ON COLUMN pilot.crisprs.Metadata_Symbol IS 'Gene symbol';
COMMENT ON COLUMN pilot.crisprs.Metadata_NCBI_Gene_ID IS 'Not given in the pilots';
COMMENT ON COLUMN pilot.crisprs.control_type IS 'negcon, poscon_... or NULL';
