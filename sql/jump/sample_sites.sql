-- jump.sample_sites(...): the same fields of view every time, a few from each well.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site
-- Every argument is a list to keep (NULL keeps all), the number of sites to keep in a well by its
-- role, or the seed. Sites are ordered by md5 of seed and key: what is chosen in a well depends on
-- that well and the seed alone, not on the other plates, threads, or DuckDB's own hash.
CREATE OR REPLACE MACRO jump.sample_sites(
    sources := NULL,
    batches := NULL,
    plates := NULL,
    plate_types := NULL,
    wells := NULL,
    perturbations := NULL,
    trt := 6,
    poscon := 4,
    negcon := 3,
    empty := 0,
    unknown := 0,
    seed := 0
) AS TABLE
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
    site_key
FROM jump.sites
WHERE
    (sources IS NULL OR list_contains(sources::VARCHAR[], Metadata_Source))
    AND (batches IS NULL OR list_contains(batches::VARCHAR[], Metadata_Batch))
    AND (plates IS NULL OR list_contains(plates::VARCHAR[], Metadata_Plate))
    AND (plate_types IS NULL OR list_contains(plate_types::VARCHAR[], Metadata_PlateType))
    AND (wells IS NULL OR list_contains(wells::VARCHAR[], Metadata_Well))
    AND (
        perturbations IS NULL
        OR list_contains(perturbations::VARCHAR[], Metadata_JCP2022)
        OR list_contains(perturbations::VARCHAR[], Metadata_Name)
    )
QUALIFY row_number() OVER (
    PARTITION BY Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well
    ORDER BY md5(seed::VARCHAR || '/' || site_key), Metadata_Site
) <= CASE Metadata_pert_type
    WHEN 'trt' THEN trt
    WHEN 'poscon' THEN poscon
    WHEN 'negcon' THEN negcon
    WHEN 'empty' THEN empty
    ELSE unknown
END;

COMMENT ON MACRO TABLE jump.sample_sites IS -- noqa: PRS
'The same fields of view every time, a few from each well by its role';
