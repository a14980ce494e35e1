-- jump.gene_info: one row per gene of the published tables that a file of NCBI describes.
-- key: Metadata_NCBI_Gene_ID
-- jump_aliases is NCBI's gene_info as downloaded, plain or .gz; without it there are no rows. A bar
-- separates the aliases of a gene, and a hyphen stands for none. Quotes are letters like others.
SET VARIABLE jump_gene_info = CASE
    WHEN getvariable('jump_aliases') IS NULL
        THEN
            'SELECT NULL AS GeneID, NULL AS Symbol, NULL AS Synonyms,'
            || ' NULL AS Symbol_from_nomenclature_authority, NULL AS map_location WHERE FALSE'
    ELSE
        'FROM read_csv(getvariable(''jump_aliases''), delim = E''\t'', header = TRUE,'
        || ' all_varchar = TRUE, quote = '''', escape = '''', comment = '''', skip = 0,'
        || ' compression = if(getvariable(''jump_aliases'') LIKE ''%.gz'', ''gzip'', ''none''))'
END;

CREATE OR REPLACE TABLE jump.gene_info (
    Metadata_NCBI_Gene_ID VARCHAR,
    aliases VARCHAR[],
    map_location VARCHAR,
    Metadata_Chromosome_Arm VARCHAR,
    PRIMARY KEY (Metadata_NCBI_Gene_ID)
);

INSERT INTO jump.gene_info
WITH known AS (
    SELECT Metadata_NCBI_Gene_ID FROM jump.orfs
    UNION
    SELECT Metadata_NCBI_Gene_ID FROM jump.crisprs
)

SELECT
    GeneID AS Metadata_NCBI_Gene_ID,
    list_distinct(list_filter(
        string_split(
            concat_ws('|', Symbol, Symbol_from_nomenclature_authority, Synonyms), '|'
        ),
        LAMBDA one_name: one_name NOT IN ('', '-')
    )) AS aliases,
    nullif(map_location, '-') AS map_location,
    nullif(
        regexp_extract(map_location, '^([0-9XY]+[pq])', 1), ''
    ) AS Metadata_Chromosome_Arm
FROM query(getvariable('jump_gene_info'))
WHERE GeneID IN (SELECT Metadata_NCBI_Gene_ID FROM known);

COMMENT ON TABLE jump.gene_info IS
'One row per gene of the published tables that a file of NCBI describes';
COMMENT ON COLUMN jump.gene_info.Metadata_NCBI_Gene_ID IS 'NCBI gene number, as text';
COMMENT ON COLUMN jump.gene_info.aliases IS 'Its symbols and the other names that NCBI knows';
COMMENT ON COLUMN jump.gene_info.map_location IS 'Where the gene lies, as 17p13.1';
COMMENT ON COLUMN jump.gene_info.Metadata_Chromosome_Arm IS
'Chromosome and arm that the gene lies on, as 17p';
