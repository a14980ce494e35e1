-- main.number_plates(listed, images): the plates of a list of images, with their types.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate
-- The arguments are what the tables of barcodes say of plates, and a collection's images.
CREATE OR REPLACE MACRO main.number_plates(listed, images) AS TABLE
WITH imaged AS (
    SELECT DISTINCT
        Metadata_Source,
        Metadata_Batch,
        Metadata_Plate
    FROM query_table(images)
    WHERE reason IS NULL
)

SELECT
    listed.* EXCLUDE (map_name, plate_type),
    upper(listed.plate_type) AS Metadata_PlateType,
    row_number() OVER (
        ORDER BY listed.Metadata_Source, listed.Metadata_Batch, listed.Metadata_Plate
    ) AS plate_number
FROM query_table(listed) AS listed
SEMI JOIN imaged USING (Metadata_Source, Metadata_Batch, Metadata_Plate);

COMMENT ON MACRO TABLE main.number_plates IS -- noqa: PRS
'The plates of a list of images, with their types';
