-- made_up.channels: one row per channel.
CREATE OR REPLACE TABLE made_up.channels (
    Metadata_Channel VARCHAR PRIMARY KEY,
    kind VARCHAR NOT NULL,
    position INTEGER NOT NULL,
    colour VARCHAR NOT NULL,
    emission_nm DOUBLE,
    marks VARCHAR
);

INSERT INTO made_up.channels
VALUES
    ('Tubulin', 'stain', 1, '#00FF00', 520, 'cells'),
    ('nuclei', 'stain', 2, '#0000FF', 460, 'nuclei'),
    ('w3', 'brightfield', 3, '#FFFFFF', NULL, NULL);
