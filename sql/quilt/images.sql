-- quilt.images: quilt.named_images, as they were written to a file.
-- key: own_row, image_column
-- It holds while the catalog is built. A million URLs in a temporary table would be a third of all
-- memory that a build takes.
CREATE OR REPLACE TEMP VIEW quilt_images AS
FROM read_parquet(getvariable('quilt_images'));
