-- jump_lite.channels: one row per channel, in the order of the planes of an array.
-- key: Metadata_Channel
CREATE OR REPLACE TABLE jump_lite.channels (
    Metadata_Channel VARCHAR PRIMARY KEY,
    kind VARCHAR NOT NULL CHECK (kind IN ('stain', 'brightfield', 'other')),
    position INTEGER NOT NULL UNIQUE,
    colour VARCHAR NOT NULL,
    emission_nm DOUBLE,
    marks VARCHAR CHECK (marks IN ('nuclei', 'cells')),
    plane INTEGER NOT NULL UNIQUE
);

INSERT INTO jump_lite.channels
SELECT
    Metadata_Channel,
    kind,
    position::INTEGER AS position,
    colour,
    emission_nm::DOUBLE AS emission_nm,
    marks,
    plane::INTEGER AS plane
FROM read_csv(
    coalesce(getvariable('jumpduck_sql'), 'sql') || '/jump_lite/channels.csv',
    header = TRUE, all_varchar = TRUE, comment = '', skip = 0
);

COMMENT ON TABLE jump_lite.channels IS
'One row per channel, in the order of the planes of an array';
COMMENT ON COLUMN jump_lite.channels.Metadata_Channel IS 'Name of the channel';
COMMENT ON COLUMN jump_lite.channels.kind IS 'stain, brightfield or other';
COMMENT ON COLUMN jump_lite.channels.position IS 'Place in the order that files and tables keep';
COMMENT ON COLUMN jump_lite.channels.colour IS 'Colour to show it in: #RRGGBB';
COMMENT ON COLUMN jump_lite.channels.emission_nm IS
'Middle of the emission band in nanometres';
COMMENT ON COLUMN jump_lite.channels.marks IS
'nuclei or cells where it shows them, NULL elsewhere';
COMMENT ON COLUMN jump_lite.channels.plane IS 'Number of its plane in an array, from 0';
