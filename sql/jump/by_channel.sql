-- jump.by_channel(channel, ...): of eight values, one a channel, that of the channel.
-- Columns one by one: passing the site as a whole would pack all of it, which takes minutes.
CREATE OR REPLACE MACRO jump.by_channel(
    channel, dna, rna, er, agp, mito, brightfield, brightfield_h, brightfield_l
) AS (
    CASE channel
        WHEN 'DNA' THEN dna
        WHEN 'RNA' THEN rna
        WHEN 'ER' THEN er
        WHEN 'AGP' THEN agp
        WHEN 'Mito' THEN mito
        WHEN 'Brightfield' THEN brightfield
        WHEN 'Brightfield_H' THEN brightfield_h
        WHEN 'Brightfield_L' THEN brightfield_l
    END
);

COMMENT ON MACRO jump.by_channel IS -- noqa: PRS
'Of eight values, one a channel, that of the channel';
