-- main.sample_sites(sites, ...): the same sites every time, a few from each well by its role.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site
-- per_well says how many sites a well of each role keeps; a role that it does not name keeps none.
-- Sites are ordered by md5 of seed and site key: what is chosen in a well depends on that well and
-- the seed alone, not on other plates, threads, or DuckDB's own hash. sample_rank is the place of
-- the site in its well, sample_digest is what it was ordered by: the first 60 bits of md5 as a
-- number, because millions of numbers are sorted in a third of the time of as many texts.
CREATE OR REPLACE MACRO main.sample_sites( -- noqa: PRS
    sites,
    per_well := MAP {'trt': 6, 'poscon': 4, 'negcon': 3},
    seed := 0
) AS TABLE
WITH digested AS NOT MATERIALIZED (
    SELECT
        *,
        ('0x' || left(md5(seed::VARCHAR || '/' || site_key), 15))::UBIGINT AS sample_digest
    FROM query_table(sites)
)

SELECT
    *,
    row_number() OVER (
        PARTITION BY plate_number, Metadata_Well
        ORDER BY sample_digest, Metadata_Site
    ) AS sample_rank
FROM digested
QUALIFY sample_rank <= coalesce(per_well[Metadata_pert_type], 0);

COMMENT ON MACRO TABLE main.sample_sites IS -- noqa: PRS
'The same sites every time, a few from each well by its role';
