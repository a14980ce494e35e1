-- main.spread_sites(grouped, ...): of each group as many of the sampled sites, spread evenly.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site
-- grouped is made by sample_sites, with a column spread_group. A group keeps per_group sites, or
-- all that it has: the first of each of its sources before the second of any, and in the same way
-- of batches within a source, of plates within a batch, and of wells within a plate. What is chosen
-- of a group depends on its sites and the seed alone. Controls that add_controls added are kept as
-- they are. A place past per_group at one level is not looked at at the next, because it can only
-- move back. Groups are compared by hash(), because numbers take less memory than texts; nothing is
-- ordered by it.
CREATE OR REPLACE MACRO main.spread_sites(grouped, per_group := NULL) AS TABLE -- noqa: LT01
WITH places AS NOT MATERIALIZED (
    SELECT NULL::BOOLEAN AS added -- of sites among which nobody looked for controls
    WHERE FALSE
    UNION ALL BY NAME
    FROM query_table(grouped)
),

numbered AS NOT MATERIALIZED (
    SELECT
        *,
        coalesce(added, FALSE) AS passes,
        hash(spread_group) AS group_hash,
        hash(Metadata_Source) AS source_hash,
        hash(Metadata_Batch) AS batch_hash
    FROM places
),

in_plates AS NOT MATERIALIZED (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY passes, group_hash, plate_number
            ORDER BY sample_rank, sample_digest, site_number
        ) AS plate_place
    FROM numbered
    QUALIFY passes OR plate_place <= per_group
),

in_batches AS NOT MATERIALIZED (
    SELECT
        * EXCLUDE (plate_place),
        row_number() OVER (
            PARTITION BY passes, group_hash, source_hash, batch_hash
            ORDER BY plate_place, sample_digest, site_number
        ) AS batch_place
    FROM in_plates
    QUALIFY passes OR batch_place <= per_group
),

in_sources AS NOT MATERIALIZED (
    SELECT
        * EXCLUDE (batch_place),
        row_number() OVER (
            PARTITION BY passes, group_hash, source_hash
            ORDER BY batch_place, sample_digest, site_number
        ) AS source_place
    FROM in_batches
    QUALIFY passes OR source_place <= per_group
)

SELECT * EXCLUDE (passes, group_hash, source_hash, batch_hash, source_place)
FROM in_sources
QUALIFY
    passes
    OR row_number() OVER (
        PARTITION BY passes, group_hash
        ORDER BY source_place, sample_digest, site_number
    ) <= per_group;

COMMENT ON MACRO TABLE main.spread_sites IS -- noqa: PRS
'Of each group as many of the sampled sites, spread evenly';
