-- bbbc021.channels: one row per channel.
-- key: Metadata_Channel
-- The order is that of the published image table. emission_nm of DAPI is that of the dye; which
-- dyes showed the other two is not in the published tables.
CREATE OR REPLACE TABLE bbbc021.channels (
    Metadata_Channel VARCHAR PRIMARY KEY,
    kind VARCHAR NOT NULL CHECK (kind IN ('stain', 'brightfield', 'other')),
    position INTEGER NOT NULL UNIQUE,
    colour VARCHAR NOT NULL,
    emission_nm DOUBLE,
    marks VARCHAR CHECK (marks IN ('nuclei', 'cells'))
);

INSERT INTO bbbc021.channels
SELECT
    Metadata_Channel,
    kind,
    position::INTEGER AS position,
    colour,
    emission_nm::DOUBLE AS emission_nm,
    marks
FROM read_csv(
    coalesce(getvariable('jumpduck_sql'), 'sql') || '/bbbc021/channels.csv',
    header = TRUE, all_varchar = TRUE, comment = '', skip = 0
);

COMMENT ON TABLE bbbc021.channels IS 'One row per channel';
COMMENT ON COLUMN bbbc021.channels.Metadata_Channel IS 'Name of the channel';
COMMENT ON COLUMN bbbc021.channels.kind IS 'stain, brightfield or other';
COMMENT ON COLUMN bbbc021.channels.position IS 'Place in the order that files and tables keep';
COMMENT ON COLUMN bbbc021.channels.colour IS 'Colour to show it in: #RRGGBB';
COMMENT ON COLUMN bbbc021.channels.emission_nm IS
'Middle of the emission band in nanometres, NULL where it is not published';
COMMENT ON COLUMN bbbc021.channels.marks IS
'nuclei or cells where it shows them, NULL elsewhere';
