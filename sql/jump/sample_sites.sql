-- jump.sample_sites(...): the same fields of view every time, a few from each well by its role.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site
-- The arguments of jump.select_sites, the number of sites to keep in a well by its role, the seed,
-- and a budget. Sites are ordered by md5 of seed and key: what is chosen in a well depends on that
-- well and the seed alone, not on the other plates, threads, or DuckDB's own hash. A budget takes
-- the first site of every well before the second of any; max_gb counts the published mean size of
-- a TIFF of the source for each channel.
CREATE OR REPLACE MACRO jump.sample_sites(
    first_plate := 1,
    last_plate := 2147483647,
    sources := NULL,
    batches := NULL,
    plates := NULL,
    plate_types := NULL,
    wells := NULL,
    perturbations := NULL,
    roles := NULL,
    predicate := 'TRUE',
    with_controls := FALSE,
    channels := ['DNA', 'RNA', 'ER', 'AGP', 'Mito'],
    keep_known_bad := FALSE,
    trt := 6,
    poscon := 4,
    negcon := 3,
    empty := 0,
    unknown := 0,
    seed := 0,
    max_sites := NULL,
    max_gb := NULL
) AS TABLE
WITH ranked AS NOT MATERIALIZED (
    SELECT
        *,
        md5(seed::VARCHAR || '/' || site_key) AS lot,
        row_number() OVER (
            PARTITION BY plate_number, Metadata_Well
            ORDER BY lot, Metadata_Site
        ) AS turn
    FROM jump.select_sites(
        first_plate := first_plate,
        last_plate := last_plate,
        sources := sources,
        batches := batches,
        plates := plates,
        plate_types := plate_types,
        wells := wells,
        perturbations := perturbations,
        roles := roles,
        predicate := predicate,
        with_controls := with_controls,
        channels := channels,
        keep_known_bad := keep_known_bad
    )
    QUALIFY turn <= CASE Metadata_pert_type
        WHEN 'trt' THEN trt
        WHEN 'poscon' THEN poscon
        WHEN 'negcon' THEN negcon
        WHEN 'empty' THEN empty
        ELSE unknown
    END
)

SELECT * EXCLUDE (lot, turn) FROM ranked
WHERE max_sites IS NULL AND max_gb IS NULL
UNION ALL
SELECT * EXCLUDE (lot, turn, mean_bytes) FROM (
    SELECT
        ranked.*,
        coalesce(
            sizes.mean_bytes, (SELECT sum(bytes) / sum(tiffs) FROM jump.source_sizes)
        ) AS mean_bytes
    FROM ranked
    LEFT JOIN jump.source_sizes AS sizes USING (Metadata_Source)
    WHERE max_sites IS NOT NULL OR max_gb IS NOT NULL
) AS priced
QUALIFY
    row_number() OVER (ORDER BY turn, lot, site_key) <= coalesce(max_sites, 9223372036854775807)
    AND sum(mean_bytes * len(channels)) OVER (
        ORDER BY turn, lot, site_key ROWS UNBOUNDED PRECEDING
    ) <= coalesce(max_gb, 1e12) * 1e9;

COMMENT ON MACRO TABLE jump.sample_sites IS -- noqa: PRS
'The same fields of view every time, a few from each well by its role';
