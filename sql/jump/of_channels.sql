-- jump.of_channels(channels, one_each): of a value for each channel, those of the channels asked.
-- This is the order that channels keep everywhere. The five stains, which is what is nearly always
-- asked for, are a slice: three times as fast.
CREATE OR REPLACE MACRO jump.of_channels(channels, one_each) AS (
    CASE
        WHEN list_sort(channels::VARCHAR[]) = ['AGP', 'DNA', 'ER', 'Mito', 'RNA']
            THEN one_each[:5]
        ELSE list_where(one_each, [
            list_contains(channels::VARCHAR[], one) FOR one IN [
                'DNA', 'RNA', 'ER', 'AGP', 'Mito',
                'Brightfield', 'Brightfield_H', 'Brightfield_L'
            ]
        ])
    END
);

COMMENT ON MACRO jump.of_channels IS -- noqa: PRS
'Of a list with a value for each channel there is, those of the channels asked for';
