-- made_up.find(names): where the compounds that a name may mean can be seen.
CREATE OR REPLACE MACRO made_up.find(names) AS TABLE
SELECT
    found.asked,
    found.Metadata_Compound,
    count(*) AS sites
FROM made_up.find_perturbations(names) AS found
INNER JOIN made_up.sites USING (Metadata_Compound)
GROUP BY ALL
ORDER BY ALL;
