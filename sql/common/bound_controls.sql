-- main.bound_controls(sampled, ...): the sampled sites with a few wells of controls on each plate.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site
-- sampled is made by sample_sites from what add_controls gave. Controls that it added stay where a
-- named site of their plate and modality is left, and are bounded: per_plate wells at most, the
-- first well of every role and modality before the second of any. Which wells of a plate are first
-- depends on the first site sampled of each alone. sampled is read once, and only what a budget and
-- list_files need of it, because three readings at a time, each of which sorts its sites, do not
-- fit into the memory that a manifest is allowed.
CREATE OR REPLACE MACRO main.bound_controls(sampled, per_plate := NULL) AS TABLE -- noqa: LT01
WITH places AS MATERIALIZED (
    SELECT
        site_number,
        plate_number,
        Metadata_Well,
        Metadata_pert_type,
        Metadata_modality,
        sample_rank,
        sample_digest,
        added,
        image_bytes,
        image_channels
    FROM query_table(sampled)
),

named AS (
    SELECT DISTINCT
        plate_number,
        coalesce(Metadata_modality, 'any') AS modality
    FROM places
    WHERE NOT added
),

role_places AS (
    SELECT
        plate_number,
        Metadata_Well,
        Metadata_pert_type,
        Metadata_modality,
        sample_digest,
        row_number() OVER (
            PARTITION BY plate_number, Metadata_pert_type, Metadata_modality
            ORDER BY sample_digest, Metadata_Well
        ) AS role_place
    FROM places
    WHERE
        added
        AND sample_rank = 1
        AND (
            (plate_number, Metadata_modality) IN (SELECT (plate_number, modality) FROM named)
            OR (plate_number, 'any') IN (SELECT (plate_number, modality) FROM named)
        )
),

kept AS (
    SELECT
        plate_number,
        Metadata_Well
    FROM role_places
    QUALIFY
        row_number() OVER (
            PARTITION BY plate_number
            ORDER BY role_place, Metadata_pert_type, Metadata_modality, sample_digest, Metadata_Well
        ) <= coalesce(per_plate, 9223372036854775807)
)

SELECT *
FROM places
WHERE
    NOT added
    OR (plate_number, Metadata_Well) IN (SELECT (plate_number, Metadata_Well) FROM kept);

COMMENT ON MACRO TABLE main.bound_controls IS -- noqa: PRS
'The sampled sites with a few wells of controls on each plate';
