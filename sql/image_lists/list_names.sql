-- main.list_names(wells): the names of the perturbations in wells.
-- key: name, matched_by, Metadata_Perturbation, Metadata_modality
CREATE OR REPLACE MACRO main.list_names(wells) AS TABLE
WITH names AS (
    SELECT
        Metadata_Perturbation,
        Metadata_modality,
        Metadata_Name,
        unnest(['perturbation', 'name', 'InChIKey']) AS matched_by,
        unnest([Metadata_Perturbation, Metadata_Name, Metadata_InChIKey]) AS name
    FROM query_table(wells)
    WHERE is_used
)

SELECT
    name,
    matched_by,
    Metadata_Perturbation,
    Metadata_modality,
    min(Metadata_Name) AS Metadata_Name
FROM names
WHERE name IS NOT NULL
GROUP BY ALL;

COMMENT ON MACRO TABLE main.list_names IS -- noqa: PRS
'The names of the perturbations in wells';
