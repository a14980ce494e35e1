-- idr.channels: one row per channel of the studies that were asked for.
-- key: Metadata_Channel
-- A channel that a plate's file names and channels.csv does not know is of the kind other.
CREATE OR REPLACE TABLE idr.channels (
    Metadata_Channel VARCHAR PRIMARY KEY,
    kind VARCHAR NOT NULL CHECK (kind IN ('stain', 'brightfield', 'other')),
    position INTEGER NOT NULL UNIQUE,
    colour VARCHAR NOT NULL,
    emission_nm DOUBLE,
    marks VARCHAR CHECK (marks IN ('nuclei', 'cells'))
);

INSERT INTO idr.channels
WITH named AS (
    SELECT
        unnest(channels) AS Metadata_Channel,
        screen,
        unnest(range(len(channels))) AS place
    FROM idr.studies
    UNION ALL
    SELECT DISTINCT
        unnest(channels) AS Metadata_Channel,
        Metadata_Source,
        100 + unnest(range(len(channels))) AS place
    FROM idr.named_files
    WHERE reason IS NULL
),

first_named AS (
    SELECT
        Metadata_Channel,
        min((place, screen)) AS first_place
    FROM named
    GROUP BY ALL
)

SELECT
    first_named.Metadata_Channel,
    coalesce(known.kind, 'other') AS kind,
    row_number() OVER (
        ORDER BY first_named.first_place, first_named.Metadata_Channel
    ) AS position,
    coalesce(known.colour, '#FFFFFF') AS colour,
    known.emission_nm::DOUBLE AS emission_nm,
    known.marks
FROM first_named
LEFT JOIN read_csv(
    coalesce(getvariable('jumpduck_sql'), 'sql') || '/idr/channels.csv',
    header = TRUE, all_varchar = TRUE, comment = '', skip = 0
) AS known USING (Metadata_Channel);

COMMENT ON TABLE idr.channels IS 'One row per channel of the studies that were asked for';
COMMENT ON COLUMN idr.channels.Metadata_Channel IS 'Name of the channel';
COMMENT ON COLUMN idr.channels.kind IS 'stain, brightfield or other';
COMMENT ON COLUMN idr.channels.position IS 'Place in the order that files and tables keep';
COMMENT ON COLUMN idr.channels.colour IS 'Colour to show it in: #RRGGBB';
COMMENT ON COLUMN idr.channels.emission_nm IS
'Wavelength of its emission in nanometres, NULL where it is not known';
COMMENT ON COLUMN idr.channels.marks IS
'nuclei or cells where it shows them, NULL elsewhere';
