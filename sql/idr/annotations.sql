-- idr.annotations: one row per line of the published annotation of a screen, as text.
-- key: none, a line is what was published.
-- Studies have up to 143 columns, each another choice: these are the standard ones, and one that a
-- study lacks is NULL. Python reads the lines, because its error names a line that is wrong.
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
FROM read_parquet(getvariable('idr_annotations'));

COMMENT ON TABLE idr.annotations IS
'One row per line of the published annotation of a screen, as text';
