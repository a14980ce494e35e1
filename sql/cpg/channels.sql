-- cpg.channels: one row per channel.
-- key: Metadata_Channel
CREATE OR REPLACE TABLE cpg.channels AS
WITH stains AS ( -- noqa: ST03
    FROM read_csv(
        coalesce(getvariable('jumpduck_sql'), 'sql') || '/image_lists/stains.csv',
        header = TRUE, all_varchar = TRUE, comment = '', skip = 0
    )
)

SELECT * FROM list_channels(cpg.images, stains);

COMMENT ON TABLE cpg.channels IS 'One row per channel';
COMMENT ON COLUMN cpg.channels.Metadata_Channel IS 'Name of the channel';
COMMENT ON COLUMN cpg.channels.kind IS 'stain, brightfield or other';
COMMENT ON COLUMN cpg.channels.position IS 'Place in the order that files and tables keep';
COMMENT ON COLUMN cpg.channels.colour IS 'Colour to show it in: #RRGGBB';
COMMENT ON COLUMN cpg.channels.emission_nm IS
'Middle of the emission band in nanometres, NULL if it is not known';
COMMENT ON COLUMN cpg.channels.marks IS
'nuclei or cells where its name says that it shows them, NULL elsewhere';
COMMENT ON COLUMN cpg.channels.is_known IS 'Whether sql/image_lists/stains.csv has its name';
