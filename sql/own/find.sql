-- own.find(names): where the perturbations that a name may mean can be seen.
-- key: asked, Metadata_Perturbation
CREATE OR REPLACE MACRO own.find(names) AS TABLE
SELECT * FROM find_sites(names, own.perturbation_names, own.sites, own.channels);

COMMENT ON MACRO TABLE own.find IS -- noqa: PRS
'Where the perturbations that a name may mean can be seen';
