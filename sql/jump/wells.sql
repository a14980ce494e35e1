-- jump.wells: one row per well and what was put in it.
-- key: Metadata_Source, Metadata_Plate, Metadata_Well
-- The key is checked and not declared, because an index of a million wells takes 85 MB of each
-- catalog and more time than all other tables.
CREATE OR REPLACE TABLE jump.wells (
    Metadata_Source VARCHAR NOT NULL,
    Metadata_Plate VARCHAR NOT NULL,
    Metadata_Well VARCHAR NOT NULL,
    Metadata_JCP2022 VARCHAR
);

INSERT INTO jump.wells
SELECT
    Metadata_Source,
    Metadata_Plate,
    Metadata_Well,
    Metadata_JCP2022
FROM read_csv(
    getvariable('jump_metadata_copy') || '/well.csv.gz',
    header = TRUE, all_varchar = TRUE, comment = '', skip = 0, compression = 'gzip'
);

SET VARIABLE jump_doubled_wells = (
    SELECT any_value(error(concat(
        'Duplicate key "Metadata_Source: ', Metadata_Source, ', Metadata_Plate: ', Metadata_Plate,
        ', Metadata_Well: ', Metadata_Well, '"'
    )))
    FROM (
        SELECT
            Metadata_Source,
            Metadata_Plate,
            Metadata_Well
        FROM jump.wells
        GROUP BY Metadata_Source, Metadata_Plate, Metadata_Well
        HAVING count(*) > 1
    ) AS doubled
);

COMMENT ON TABLE jump.wells IS 'One row per well and what was put in it';
COMMENT ON COLUMN jump.wells.Metadata_Source IS 'Laboratory that made the plate';
COMMENT ON COLUMN jump.wells.Metadata_Plate IS 'Plate barcode, text even if all digits';
COMMENT ON COLUMN jump.wells.Metadata_Well IS 'Row letters and two-digit column: A01 ... AF48';
COMMENT ON COLUMN jump.wells.Metadata_JCP2022 IS 'Identifier of the perturbation';
