-- jump_lite.packages: one row per packing of the arrays.
-- key: package
-- image_bytes is computed from the size of the whole and the number of images; an image is read as
-- the array of its site, which has five.
CREATE OR REPLACE TABLE jump_lite.packages (
    package VARCHAR PRIMARY KEY,
    format VARCHAR NOT NULL,
    image_bytes BIGINT NOT NULL
);

INSERT INTO jump_lite.packages
SELECT
    package,
    format,
    image_bytes::BIGINT AS image_bytes
FROM read_csv(
    coalesce(getvariable('jumpduck_sql'), 'sql') || '/jump_lite/packages.csv',
    header = TRUE, all_varchar = TRUE, comment = '', skip = 0
);

COMMENT ON TABLE jump_lite.packages IS 'One row per packing of the arrays';
COMMENT ON COLUMN jump_lite.packages.package IS 'Its name: what `package` takes';
COMMENT ON COLUMN jump_lite.packages.format IS 'How the arrays are packed';
COMMENT ON COLUMN jump_lite.packages.image_bytes IS 'Bytes of an image on the average';
