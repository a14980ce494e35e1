-- cpg.find_perturbations(names, modalities): the perturbations that a name may mean.
-- key: asked, Metadata_Perturbation
CREATE OR REPLACE MACRO cpg.find_perturbations(names, modalities := NULL) AS TABLE
SELECT * FROM find_named(names, modalities, cpg.perturbation_names);

COMMENT ON MACRO TABLE cpg.find_perturbations IS -- noqa: PRS
'The perturbations that a name may mean';
