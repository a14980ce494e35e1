-- idr.wells: one row per annotated well of the plates that were asked for.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well
-- Wells are published as A4 and doses as '30 micromolar'; SMILES have each backslash twice. A line
-- whose plate is missing by its own words is left out, and one whose well cannot be one, or whose
-- plate is not listed: see problems.
-- noqa: disable=RF05,RF06
CREATE OR REPLACE TABLE idr.wells (
    Metadata_Source VARCHAR,
    Metadata_Batch VARCHAR,
    Metadata_Plate VARCHAR,
    Metadata_Well VARCHAR,
    Metadata_pert_type VARCHAR NOT NULL,
    Metadata_modality VARCHAR,
    Metadata_Perturbation VARCHAR,
    Metadata_Compound VARCHAR,
    Metadata_SMILES VARCHAR,
    Metadata_MOA VARCHAR,
    Metadata_Dose DOUBLE,
    Metadata_Dose_Unit VARCHAR,
    Metadata_siRNA VARCHAR,
    Metadata_Gene_Identifier VARCHAR,
    Metadata_Symbol VARCHAR,
    Metadata_Gene_Target VARCHAR,
    Metadata_Replicate VARCHAR,
    Metadata_Organism VARCHAR,
    Metadata_Cell_Line VARCHAR,
    Metadata_Quality_Control VARCHAR,
    Metadata_Channels VARCHAR,
    PRIMARY KEY (Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well)
);

INSERT INTO idr.wells
WITH lines AS (
    SELECT
        screen,
        coalesce(lower(trim("Control Type")), '') AS control,
        regexp_extract(
            trim("Well"), '^([A-Za-z]{1,2})0*([1-9][0-9]?)$', ['name_row', 'name_column']
        ) AS well,
        idr.dose("Dose") AS dose,
        COLUMNS(LAMBDA name: name NOT IN ('screen', 'Well', 'Dose', 'Control Type')) -- noqa: PRS
    FROM idr.annotations
    WHERE coalesce(lower(trim("Plate Issues")), '') <> 'plate missing'
)

SELECT
    plates.Metadata_Source,
    plates.Metadata_Batch,
    plates.Metadata_Plate,
    upper(lines.well.name_row) || lpad(lines.well.name_column, 2, '0') AS Metadata_Well,
    CASE
        WHEN lines.control = 'negative control' THEN 'negcon'
        WHEN lines.control = 'positive control' THEN 'poscon'
        WHEN lines.control LIKE 'empty%' THEN 'empty'
        WHEN lines.control NOT IN ('', 'treated') THEN 'unknown'
        WHEN
            coalesce(
                nullif(lines."Compound Name", ''), nullif(lines."siRNA Identifier", ''),
                nullif(lines."Gene Identifier", ''), nullif(lines."Original Gene Target", '')
            ) IS NULL
            THEN 'unknown'
        ELSE 'trt'
    END AS Metadata_pert_type,
    studies.modality AS Metadata_modality,
    coalesce(
        nullif(lines."Compound Name", ''), nullif(lines."siRNA Identifier", ''),
        nullif(lines."Gene Identifier", ''), nullif(lines."Original Gene Target", ''),
        nullif(lines.control, '')
    ) AS Metadata_Perturbation,
    nullif(lines."Compound Name", '') AS Metadata_Compound,
    nullif(replace(lines."Compound SMILES", '\\', '\'), '') AS Metadata_SMILES,
    nullif(lines."Compound MOA", '') AS Metadata_MOA,
    lines.dose.value AS Metadata_Dose,
    lines.dose.unit AS Metadata_Dose_Unit,
    nullif(lines."siRNA Identifier", '') AS Metadata_siRNA,
    nullif(lines."Gene Identifier", '') AS Metadata_Gene_Identifier,
    nullif(lines."Gene Symbol", '') AS Metadata_Symbol,
    nullif(lines."Original Gene Target", '') AS Metadata_Gene_Target,
    lines."Replicate" AS Metadata_Replicate,
    lines."Characteristics [Organism]" AS Metadata_Organism,
    lines."Characteristics [Cell Line]" AS Metadata_Cell_Line,
    lines."Quality Control" AS Metadata_Quality_Control,
    lines."Channels" AS Metadata_Channels
FROM lines
INNER JOIN idr.studies AS studies USING (screen)
INNER JOIN idr.plates AS plates
    ON
        studies.Metadata_Source = plates.Metadata_Source
        AND studies.Metadata_Batch = plates.Metadata_Batch
        AND trim(lines."Plate") = plates.Metadata_Plate
WHERE lines.well.name_row <> '';

COMMENT ON TABLE idr.wells IS
'One row per annotated well of the plates that were asked for';
