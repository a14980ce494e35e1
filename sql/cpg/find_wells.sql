-- cpg.find_wells(names): the wells of the perturbations that a name may mean.
-- key: asked, Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well
CREATE OR REPLACE MACRO cpg.find_wells(names) AS TABLE
SELECT * FROM find_imaged_wells(names, cpg.perturbation_names, cpg.sites);

COMMENT ON MACRO TABLE cpg.find_wells IS -- noqa: PRS
'The wells of the perturbations that a name may mean';
