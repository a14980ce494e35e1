-- quilt.find(names): where the perturbations that a name may mean can be seen.
-- key: asked, Metadata_Perturbation
CREATE OR REPLACE MACRO quilt.find(names) AS TABLE
SELECT
    found.asked,
    found.Metadata_Perturbation,
    sites.Metadata_pert_type,
    count(DISTINCT sites.plate_number) AS plates,
    count(*) AS sites
FROM quilt.find_perturbations(names) AS found
INNER JOIN quilt.sites AS sites USING (Metadata_Perturbation)
GROUP BY ALL
ORDER BY ALL;

COMMENT ON MACRO TABLE quilt.find IS -- noqa: PRS
'Where the perturbations that a name may mean can be seen';
