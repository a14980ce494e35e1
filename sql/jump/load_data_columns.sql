-- jump.load_data_columns: one row per name under which load_data may have the images of a channel.
-- key: column_name
-- A channel may have two names (alias), and a column for its images (Orig) and one for its
-- illumination functions (Illum). column_name stands behind URL_, PathName_ and FileName_; url is
-- the SQL that makes a URL of these three.
CREATE OR REPLACE VIEW jump.load_data_columns AS
WITH names AS (
    SELECT
        Metadata_Channel,
        position,
        purpose,
        unnest([1, 2]) AS name_order,
        unnest([purpose || Metadata_Channel, purpose || alias]) AS column_name
    FROM jump.channels
    CROSS JOIN unnest(['Orig', 'Illum']) AS purposes (purpose)
)

SELECT
    Metadata_Channel,
    position,
    purpose,
    name_order,
    column_name,
    format(
        'nullif("URL_{0}", ''''), main.gallery_url("PathName_{0}", "FileName_{0}")', column_name
    ) AS url
FROM names
WHERE column_name IS NOT NULL;

COMMENT ON VIEW jump.load_data_columns IS
'One row per name under which load_data may have the images of a channel';
COMMENT ON COLUMN jump.load_data_columns.Metadata_Channel IS 'Name of the channel';
COMMENT ON COLUMN jump.load_data_columns.position IS 'Place of the channel in jump.channels';
COMMENT ON COLUMN jump.load_data_columns.purpose IS 'Orig: images; Illum: illumination functions';
COMMENT ON COLUMN jump.load_data_columns.name_order IS '1: the name of the channel, 2: its alias';
COMMENT ON COLUMN jump.load_data_columns.column_name IS
'What stands behind URL_, PathName_ and FileName_';
COMMENT ON COLUMN jump.load_data_columns.url IS 'SQL that makes the URL';
