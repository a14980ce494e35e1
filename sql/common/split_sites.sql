-- main.split_sites(grouped, ...): the sites with the name of the part that their group belongs to.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site
-- grouped has a column split_group. md5 of seed and group is a number from 0 to 1, and a part is
-- named by where its range ends: names ['train', 'val', 'test'] and ends [0.8, 0.9] divide at these
-- numbers. What a group belongs to depends on its name and the seed alone, therefore further sites
-- move no group. split is NULL where the group is.
CREATE OR REPLACE MACRO main.split_sites(grouped, names, ends, seed := 0) AS TABLE -- noqa: LT01
WITH numbered AS NOT MATERIALIZED (
    SELECT
        *,
        ('0x' || left(md5(seed::VARCHAR || '/' || split_group), 13))::UBIGINT
        / 4503599627370496 AS split_number -- 13 hexadecimal digits are less than this
    FROM query_table(grouped)
)

SELECT
    * EXCLUDE (split_group, split_number),
    CASE
        WHEN split_number IS NOT NULL
            THEN names[
                1 + len(list_filter(ends::DOUBLE[], LAMBDA one_end: one_end <= split_number))
            ]
    END AS split
FROM numbered;

COMMENT ON MACRO TABLE main.split_sites IS -- noqa: PRS
'The sites with the name of the part that their group belongs to';
