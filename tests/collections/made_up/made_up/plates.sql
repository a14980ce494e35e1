-- made_up.plates: one row per plate.
CREATE OR REPLACE TABLE made_up.plates (
    Metadata_Source VARCHAR,
    Metadata_Batch VARCHAR,
    Metadata_Plate VARCHAR,
    Metadata_PlateType VARCHAR,
    PRIMARY KEY (Metadata_Source, Metadata_Batch, Metadata_Plate)
);

INSERT INTO made_up.plates
VALUES
    ('lab', 'week1', '0001', 'DOSES'),
    ('lab', 'week1', '0002', 'DOSES');
