-- own.images: one row per image, and per line or file that is not an image.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site,
-- Metadata_Channel
CREATE OR REPLACE TABLE own.images AS
WITH listed AS ( -- noqa: ST03
    FROM read_parquet(getvariable('own_images'))
)

SELECT * FROM check_images(listed);

COMMENT ON TABLE own.images IS 'One row per image, and per line or file that is not an image';
COMMENT ON COLUMN own.images.Metadata_Source IS 'Laboratory that made the plate';
COMMENT ON COLUMN own.images.Metadata_Batch IS 'Batch the plate was imaged in';
COMMENT ON COLUMN own.images.Metadata_Plate IS 'Name of the plate';
COMMENT ON COLUMN own.images.Metadata_Well IS 'Row letters and two-digit column';
COMMENT ON COLUMN own.images.Metadata_Site IS 'Field of view in the well';
COMMENT ON COLUMN own.images.Metadata_Channel IS 'Channel, with the plane if there are several';
COMMENT ON COLUMN own.images.Metadata_Pixel_Size_Microns IS
'Edge of a pixel in micrometres, NULL if it is not said';
COMMENT ON COLUMN own.images.url IS 'Where the image is';
COMMENT ON COLUMN own.images.illum IS 'Where its illumination function is, if there is one';
COMMENT ON COLUMN own.images.image_bytes IS 'Size of the file, NULL if it is not known';
COMMENT ON COLUMN own.images.reason IS 'Why the row is not an image, NULL if it is one';
