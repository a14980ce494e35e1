-- jump.select_sites(...): the sites that fit all that is asked, before sampling.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site
-- first_plate and last_plate are plate_numbers, for asking in parts.
-- Every list keeps what it names, NULL keeps all. predicate is SQL over the columns of jump.sites.
-- with_controls adds the negcon wells of the plates chosen. A site with an image among channels
-- that is known to be unusable is left out as a whole, so that what remains is complete.
CREATE OR REPLACE MACRO jump.select_sites(
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
    keep_known_bad := FALSE
) AS TABLE
WITH judged AS NOT MATERIALIZED (
    SELECT
        *,
        fits
        AND (sources IS NULL OR list_contains(sources::VARCHAR[], Metadata_Source))
        AND (batches IS NULL OR list_contains(batches::VARCHAR[], Metadata_Batch))
        AND (plates IS NULL OR list_contains(plates::VARCHAR[], Metadata_Plate))
        AND (plate_types IS NULL OR list_contains(plate_types::VARCHAR[], Metadata_PlateType))
        AND (wells IS NULL OR list_contains(wells::VARCHAR[], Metadata_Well))
        AND (
            perturbations IS NULL
            OR list_contains(perturbations::VARCHAR[], Metadata_JCP2022)
            OR list_contains(perturbations::VARCHAR[], Metadata_Name)
        )
        AND (roles IS NULL OR list_contains(roles::VARCHAR[], Metadata_pert_type)) AS chosen
    FROM query('SELECT *, coalesce((' || predicate || '), FALSE) AS fits FROM jump.sites')
    WHERE plate_number BETWEEN first_plate AND last_plate
)

SELECT
    Metadata_Source,
    Metadata_Batch,
    Metadata_Plate,
    Metadata_Well,
    Metadata_Site,
    Metadata_PlateType,
    Metadata_JCP2022,
    Metadata_pert_type,
    Metadata_Name,
    site_key,
    site_number,
    plate_number
FROM judged
WHERE
    (
        chosen
        OR (
            with_controls
            AND Metadata_pert_type = 'negcon'
            AND (Metadata_Source, Metadata_Batch, Metadata_Plate) IN (
                SELECT (Metadata_Source, Metadata_Batch, Metadata_Plate) FROM judged AS others
                WHERE others.chosen
            )
        )
    )
    AND (
        keep_known_bad
        OR (
            NOT plate_dropped
            AND jump.issues_of(issues, Metadata_Well, Metadata_Site, channels, 'drop') IS NULL
        )
    );

COMMENT ON MACRO TABLE jump.select_sites IS -- noqa: PRS
'The sites that fit all that is asked, before sampling';
