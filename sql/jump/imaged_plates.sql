-- jump.imaged_plates: one row per plate with load_data, and what is the same for all its sites.
-- key: plate_number
-- Joined to the millions of sites on a number, which is faster than on the three words of the key.
CREATE OR REPLACE VIEW jump.imaged_plates AS
SELECT
    files.plate_number,
    files.Metadata_Source,
    files.Metadata_Batch,
    files.Metadata_Plate,
    plates.Metadata_PlateType,
    microscopes.Metadata_Pixel_Size_Microns,
    coalesce(
        sizes.mean_bytes, (SELECT sum(bytes) / sum(tiffs) FROM jump.source_sizes)
    ) AS image_bytes,
    jump.concentration('trt', files.Metadata_Source, plates.Metadata_PlateType) AS trt_micromolar,
    jump.concentration(
        'poscon', files.Metadata_Source, plates.Metadata_PlateType
    ) AS poscon_micromolar,
    plate_issues.plate_issue,
    coalesce(plate_issues.plate_dropped, FALSE) AS plate_dropped,
    plate_issues.issues
FROM jump.load_data_files AS files
LEFT JOIN jump.plates AS plates
    ON
        files.Metadata_Source = plates.Metadata_Source
        AND files.Metadata_Batch = plates.Metadata_Batch
        AND files.Metadata_Plate = plates.Metadata_Plate
LEFT JOIN jump.microscopes AS microscopes
    ON files.Metadata_Source = microscopes.Metadata_Source
LEFT JOIN jump.source_sizes AS sizes
    ON files.Metadata_Source = sizes.Metadata_Source
LEFT JOIN jump.plate_issues AS plate_issues
    ON
        files.Metadata_Source = plate_issues.Metadata_Source
        AND files.Metadata_Batch = plate_issues.Metadata_Batch
        AND files.Metadata_Plate = plate_issues.Metadata_Plate
WHERE files.reason IS NULL;

COMMENT ON VIEW jump.imaged_plates IS
'One row per plate with load_data, and what is the same for all its sites';
COMMENT ON COLUMN jump.imaged_plates.plate_number IS
'Place of the plate in the order of its key; means nothing outside this catalog';
COMMENT ON COLUMN jump.imaged_plates.Metadata_Source IS 'Laboratory that made the plate';
COMMENT ON COLUMN jump.imaged_plates.Metadata_Batch IS 'Batch the plate was imaged in';
COMMENT ON COLUMN jump.imaged_plates.Metadata_Plate IS 'Plate barcode, text even if all digits';
COMMENT ON COLUMN jump.imaged_plates.Metadata_PlateType IS 'What the plate holds';
COMMENT ON COLUMN jump.imaged_plates.Metadata_Pixel_Size_Microns IS
'Edge of a pixel in micrometres';
COMMENT ON COLUMN jump.imaged_plates.image_bytes IS 'Bytes of one image, an estimate';
COMMENT ON COLUMN jump.imaged_plates.trt_micromolar IS
'Concentration of its compounds in micromoles a litre';
COMMENT ON COLUMN jump.imaged_plates.poscon_micromolar IS
'Concentration of its positive controls in micromoles a litre';
COMMENT ON COLUMN jump.imaged_plates.plate_issue IS
'What is wrong with the whole plate, NULL if nothing';
COMMENT ON COLUMN jump.imaged_plates.plate_dropped IS
'Whether the whole plate is to be left out';
COMMENT ON COLUMN jump.imaged_plates.issues IS
'Known issues of parts of the plate, NULL if none';
