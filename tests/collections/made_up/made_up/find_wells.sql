-- made_up.find_wells(names): the wells of the compounds that a name may mean.
CREATE OR REPLACE MACRO made_up.find_wells(names) AS TABLE
SELECT
    found.asked,
    sites.Metadata_Source,
    sites.Metadata_Batch,
    sites.Metadata_Plate,
    sites.Metadata_Well,
    sites.Metadata_pert_type,
    sites.Metadata_modality,
    count(*) AS sites
FROM made_up.find_perturbations(names) AS found
INNER JOIN made_up.sites AS sites USING (Metadata_Compound)
GROUP BY ALL
ORDER BY ALL;
