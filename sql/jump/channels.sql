-- jump.channels: one row per channel.
-- key: Metadata_Channel
-- The one place that names channels. Everything else reads them from here: what load_data is
-- looked through for, the order of the images of a site, what "stains" and "brightfield" mean.
-- emission_nm is the middle of the emission band that most sources have (filter configuration B).
CREATE OR REPLACE TABLE jump.channels (
    Metadata_Channel VARCHAR PRIMARY KEY,
    kind VARCHAR NOT NULL CHECK (kind IN ('stain', 'brightfield', 'other')),
    position INTEGER NOT NULL UNIQUE,
    colour VARCHAR NOT NULL,
    emission_nm DOUBLE,
    marks VARCHAR CHECK (marks IN ('nuclei', 'cells')),
    alias VARCHAR
);

INSERT INTO jump.channels
SELECT
    Metadata_Channel,
    kind,
    position::INTEGER AS position,
    colour,
    emission_nm::DOUBLE AS emission_nm,
    marks,
    alias
FROM read_csv(
    coalesce(getvariable('jumpduck_sql'), 'sql') || '/jump/channels.csv',
    header = TRUE, all_varchar = TRUE, comment = '', skip = 0
);

COMMENT ON TABLE jump.channels IS 'One row per channel';
COMMENT ON COLUMN jump.channels.Metadata_Channel IS 'Name of the channel';
COMMENT ON COLUMN jump.channels.kind IS 'stain, brightfield or other';
COMMENT ON COLUMN jump.channels.position IS 'Place in the order that files and tables keep';
COMMENT ON COLUMN jump.channels.colour IS 'Colour to show it in: #RRGGBB';
COMMENT ON COLUMN jump.channels.emission_nm IS
'Middle of the emission band in nanometres, NULL without fluorescence';
COMMENT ON COLUMN jump.channels.marks IS
'nuclei or cells where it shows them, NULL elsewhere';
COMMENT ON COLUMN jump.channels.alias IS 'Other name that load_data uses for it';
