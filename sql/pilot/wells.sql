-- pilot.wells: one row per well and what was put in it.
-- key: Metadata_Source, Metadata_Plate, Metadata_Well
CREATE OR REPLACE TABLE pilot.wells (
    Metadata_Source VARCHAR,
    Metadata_Plate VARCHAR,
    Metadata_Well VARCHAR,
    Metadata_JCP2022 VARCHAR,
    PRIMARY KEY (Metadata_Source, Metadata_Plate, Metadata_Well)
);

INSERT INTO pilot.wells
WITH maps AS (
    SELECT
        parse_filename(filename, TRUE) AS map,
        well_position AS Metadata_Well,
        broad_sample
    FROM read_csv(
        getvariable('pilot_platemaps') || '/JUMP-Target-1_*_platemap.tsv',
        delim = '\t', header = TRUE, all_varchar = TRUE, union_by_name = TRUE, filename = TRUE
    )
)

SELECT
    plates.Metadata_Source,
    plates.Metadata_Plate,
    maps.Metadata_Well,
    coalesce(
        nullif(maps.broad_sample, ''),
        CASE plates.Metadata_PlateType WHEN 'COMPOUND' THEN 'DMSO' ELSE 'EMPTY' END
    ) AS Metadata_JCP2022
FROM (
    SELECT DISTINCT
        Metadata_Source,
        Metadata_Plate,
        Metadata_PlateType,
        map
    FROM pilot.plates
) AS plates
INNER JOIN maps ON plates.map = maps.map;

COMMENT ON TABLE pilot.wells IS 'One row per well and what was put in it';
COMMENT ON COLUMN pilot.wells.Metadata_Source IS 'Laboratory that made the plate';
COMMENT ON COLUMN pilot.wells.Metadata_Plate IS 'Plate barcode';
COMMENT ON COLUMN pilot.wells.Metadata_Well IS 'Row letters and two-digit column';
COMMENT ON COLUMN pilot.wells.Metadata_JCP2022 IS 'Identifier: broad_sample';
