-- own.find_wells(names): the wells of the perturbations that a name may mean.
-- key: asked, Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well
CREATE OR REPLACE MACRO own.find_wells(names) AS TABLE
SELECT * FROM find_imaged_wells(names, own.perturbation_names, own.sites);

COMMENT ON MACRO TABLE own.find_wells IS -- noqa: PRS
'The wells of the perturbations that a name may mean';
