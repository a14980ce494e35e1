-- idr.annotations: one row per line of the published annotation of a screen, as text.
-- key: none, a line is what was published.
-- Studies have up to 143 columns, each another choice: these are the standard ones, and one that a
-- study lacks is NULL. What stands in brackets behind the name of a column is left out.
-- noqa: disable=RF05,RF06
CREATE OR REPLACE TABLE idr.annotations (
    screen VARCHAR,
    "Plate" VARCHAR,
    "Well" VARCHAR,
    "Plate Issues" VARCHAR,
    "Quality Control" VARCHAR,
    "Control Type" VARCHAR,
    "Characteristics [Organism]" VARCHAR,
    "Characteristics [Cell Line]" VARCHAR,
    "Replicate" VARCHAR,
    "Channels" VARCHAR,
    "Compound Name" VARCHAR,
    "Compound Broad Identifier" VARCHAR,
    "Compound SMILES" VARCHAR,
    "Compound MOA" VARCHAR,
    "Dose" VARCHAR,
    "siRNA Identifier" VARCHAR,
    "Original Gene Target" VARCHAR,
    "Gene Identifier" VARCHAR,
    "Gene Symbol" VARCHAR
);

INSERT INTO idr.annotations BY NAME
SELECT
    regexp_extract(filename, '([^/\\]+)-annotation\.csv$', 1) AS screen,
    COLUMNS(
        '^(Plate|Well|Plate Issues|Quality Control|Control Type|Characteristics \[Organism\]'
        '|Characteristics \[Cell Line\]|Replicate|Channels|Compound Name'
        '|Compound Broad Identifier|Compound SMILES|Compound MOA|Dose|siRNA Identifier'
        '|Original Gene Target|Gene Identifier|Gene Symbol)(?: \(.*\))?$'
    ) AS '\1'
FROM read_csv(
    getvariable('idr_annotations'),
    header = TRUE, all_varchar = TRUE, delim = ',', quote = '"', escape = '"',
    union_by_name = TRUE, filename = TRUE
);

COMMENT ON TABLE idr.annotations IS
'One row per line of the published annotation of a screen, as text';
