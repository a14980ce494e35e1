-- pilot.plates: one row per plate and batch, and the map it was laid out by.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate
-- The batch is what the gallery's folders say, so it comes from the experiments' table. A plate
-- that was imaged again later is in several batches.
CREATE SCHEMA IF NOT EXISTS pilot;
CREATE OR REPLACE TABLE pilot.plates (
    Metadata_Source VARCHAR,
    Metadata_Batch VARCHAR,
    Metadata_Plate VARCHAR,
    Metadata_PlateType VARCHAR,
    map VARCHAR,
    PRIMARY KEY (Metadata_Source, Metadata_Batch, Metadata_Plate)
);

INSERT INTO pilot.plates
SELECT DISTINCT
    'source_4' AS Metadata_Source,
    Batch AS Metadata_Batch,
    Assay_Plate_Barcode AS Metadata_Plate,
    upper(Perturbation) AS Metadata_PlateType,
    Plate_Map_Name AS map
FROM read_csv(
    getvariable('pilot_platemaps') || '/cpjump1_experiment-metadata.tsv',
    delim = '\t', header = TRUE, all_varchar = TRUE
);

COMMENT ON TABLE pilot.plates IS
'One row per plate and batch, and the map it was laid out by';
COMMENT ON COLUMN pilot.plates.Metadata_Source IS 'Laboratory that made the plate';
COMMENT ON COLUMN pilot.plates.Metadata_Batch IS 'Batch the plate was imaged in';
COMMENT ON COLUMN pilot.plates.Metadata_Plate IS 'Plate barcode';
COMMENT ON COLUMN pilot.plates.Metadata_PlateType IS 'COMPOUND, CRISPR or ORF';
COMMENT ON COLUMN pilot.plates.map IS 'Name of its platemap';
