-- jump.find(names): where the perturbations that a name may mean can be seen.
-- key: asked, Metadata_JCP2022
-- Plates and wells are those published; sites and gigabytes (of the stains, an estimate) those of
-- the load_data in this catalog. A compound without a name of its own has those of
-- jump.annotations.
CREATE OR REPLACE MACRO jump.find(names) AS TABLE -- noqa: LT01
WITH found AS (
    SELECT * FROM jump.find_perturbations(names)
),

places AS (
    SELECT * FROM jump.wells
    SEMI JOIN found USING (Metadata_JCP2022)
),

published AS (
    SELECT
        Metadata_JCP2022,
        count(DISTINCT Metadata_Source || '/' || Metadata_Plate) AS plates,
        count(*) AS wells
    FROM places
    GROUP BY Metadata_JCP2022
),

seen AS (
    SELECT
        Metadata_JCP2022,
        count(*) AS sites,
        sum(image_bytes) / 1e9 * (
            SELECT count(*) FROM jump.channels
            WHERE kind = 'stain'
        ) AS estimated_gb
    FROM jump.sites
    SEMI JOIN found USING (Metadata_JCP2022)
    GROUP BY Metadata_JCP2022
),

annotated AS (
    SELECT
        Metadata_JCP2022,
        string_agg(
            DISTINCT Metadata_pert_iname, ', ' ORDER BY Metadata_pert_iname
        ) AS annotated_names
    FROM jump.annotations
    SEMI JOIN found USING (Metadata_JCP2022)
    GROUP BY Metadata_JCP2022
)

SELECT
    found.asked,
    found.matched_by,
    found.Metadata_JCP2022,
    coalesce(found.Metadata_Name, annotated.annotated_names) AS Metadata_Name,
    found.Metadata_modality,
    found.Metadata_pert_type,
    found.Metadata_InChIKey,
    coalesce(published.plates, 0) AS plates,
    coalesce(published.wells, 0) AS wells,
    coalesce(seen.sites, 0) AS sites,
    coalesce(seen.estimated_gb, 0) AS estimated_gb
FROM found
LEFT JOIN published USING (Metadata_JCP2022)
LEFT JOIN seen USING (Metadata_JCP2022)
LEFT JOIN annotated USING (Metadata_JCP2022)
ORDER BY found.asked, found.Metadata_JCP2022;

COMMENT ON MACRO TABLE jump.find IS -- noqa: PRS
'Where the perturbations that a name may mean can be seen';
