-- bbbc021.find_wells(names): the wells of the compounds that a name may mean.
-- key: asked, Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well
CREATE OR REPLACE MACRO bbbc021.find_wells(names) AS TABLE -- noqa: LT01
SELECT
    found.asked,
    sites.Metadata_Source,
    sites.Metadata_Batch,
    sites.Metadata_Plate,
    sites.Metadata_Well,
    sites.Metadata_pert_type,
    sites.Metadata_modality,
    sites.Metadata_PlateType,
    count(*) AS sites,
    sites.Metadata_Compound,
    sites.Metadata_Concentration_Micromolar,
    sites.Metadata_MoA,
    found.matched_by
FROM bbbc021.find_perturbations(names) AS found
INNER JOIN bbbc021.sites AS sites USING (Metadata_Compound)
GROUP BY ALL
ORDER BY ALL;

COMMENT ON MACRO TABLE bbbc021.find_wells IS -- noqa: PRS
'The wells of the compounds that a name may mean';
