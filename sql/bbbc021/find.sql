-- bbbc021.find(names): where the compounds that a name may mean can be seen, dose by dose.
-- key: asked, Metadata_Compound, Metadata_Concentration_Micromolar, Metadata_pert_type
CREATE OR REPLACE MACRO bbbc021.find(names) AS TABLE -- noqa: LT01
SELECT
    found.asked,
    found.matched_by,
    treatments.*
FROM bbbc021.find_perturbations(names) AS found
INNER JOIN bbbc021.treatments USING (Metadata_Compound)
ORDER BY ALL;

COMMENT ON MACRO TABLE bbbc021.find IS -- noqa: PRS
'Where the compounds that a name may mean can be seen, dose by dose';
