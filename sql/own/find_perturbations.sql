-- own.find_perturbations(names, modalities): the perturbations that a name may mean.
-- key: asked, Metadata_Perturbation
CREATE OR REPLACE MACRO own.find_perturbations(names, modalities := NULL) AS TABLE
SELECT * FROM find_named(names, modalities, own.perturbation_names);

COMMENT ON MACRO TABLE own.find_perturbations IS -- noqa: PRS
'The perturbations that a name may mean';
