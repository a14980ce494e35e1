-- quilt.own_rows: one row per row of the package's table, as published; else one per image.
-- key: own_row, the place in the table
-- It holds while the catalog is built. plate, well, site and label are copies of the columns that
-- say so, NULL where none does. The other columns have the name of the published one after
-- Metadata_.
CREATE OR REPLACE TEMP VIEW quilt_own_rows AS
SELECT
    file_row_number AS own_row,
    * EXCLUDE (file_row_number)
FROM read_parquet(getvariable('quilt_rows'), file_row_number = TRUE);
