-- cpg.find(names): where the perturbations that a name may mean can be seen.
-- key: asked, Metadata_Perturbation
CREATE OR REPLACE MACRO cpg.find(names) AS TABLE
SELECT * FROM find_sites(names, cpg.perturbation_names, cpg.sites, cpg.channels);

COMMENT ON MACRO TABLE cpg.find IS -- noqa: PRS
'Where the perturbations that a name may mean can be seen';
