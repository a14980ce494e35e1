-- cpg.images: one row per image, and per line or file that is not an image.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site,
-- Metadata_Channel
-- load_data says where an image is in several forms, and where somebody had mounted the bucket.
-- A path with .. in it is not one of the gallery.
CREATE OR REPLACE TABLE cpg.images AS
WITH listed AS ( -- noqa: ST03
    SELECT * REPLACE (
        CASE
            WHEN
                regexp_matches(url_folder, '(^|/)\.\.(/|$)')
                OR (contains(url, '/../') AND url_folder IS NULL)
                THEN NULL
            WHEN url_folder IS NULL THEN read_url(url, getvariable('cpg_gallery'))
            ELSE read_url(gallery_url(url_folder, url), getvariable('cpg_gallery'))
        END AS url,
        CASE
            WHEN
                regexp_matches(illum_folder, '(^|/)\.\.(/|$)')
                OR (contains(illum, '/../') AND illum_folder IS NULL)
                THEN NULL
            WHEN illum_folder IS NULL THEN read_url(illum, getvariable('cpg_gallery'))
            ELSE read_url(gallery_url(illum_folder, illum), getvariable('cpg_gallery'))
        END AS illum
    )
    FROM read_parquet(getvariable('cpg_images'))
)

SELECT * FROM check_images(listed);

COMMENT ON TABLE cpg.images IS 'One row per image, and per line or file that is not an image';
COMMENT ON COLUMN cpg.images.Metadata_Source IS 'Laboratory that made the plate';
COMMENT ON COLUMN cpg.images.Metadata_Batch IS 'Batch the plate was imaged in';
COMMENT ON COLUMN cpg.images.Metadata_Plate IS 'Name of the plate';
COMMENT ON COLUMN cpg.images.Metadata_Well IS 'Row letters and two-digit column';
COMMENT ON COLUMN cpg.images.Metadata_Site IS 'Field of view in the well';
COMMENT ON COLUMN cpg.images.Metadata_Channel IS 'Channel, with the plane if there are several';
COMMENT ON COLUMN cpg.images.Metadata_Pixel_Size_Microns IS
'Edge of a pixel in micrometres, NULL if it is not said';
COMMENT ON COLUMN cpg.images.url IS 'Where the image is';
COMMENT ON COLUMN cpg.images.illum IS 'Where its illumination function is, if there is one';
COMMENT ON COLUMN cpg.images.image_bytes IS 'Size of the file, NULL if it is not known';
COMMENT ON COLUMN cpg.images.reason IS 'Why the row is not an image, NULL if it is one';
