-- jump.ordered_channels(channels): the channels in the order that they keep everywhere.
CREATE OR REPLACE MACRO jump.ordered_channels(channels) AS (
    [
        one FOR one IN [
            'DNA', 'RNA', 'ER', 'AGP', 'Mito',
            'Brightfield', 'Brightfield_H', 'Brightfield_L'
        ]
        IF list_contains(channels::VARCHAR[], one)
    ]
);

COMMENT ON MACRO jump.ordered_channels IS -- noqa: PRS
'The channels in the order that they keep everywhere';
