-- jump.treatments: one row per well with its perturbation, role and modality.
-- key: Metadata_Source, Metadata_Plate, Metadata_Well
CREATE OR REPLACE VIEW jump.treatments AS
SELECT
    wells.Metadata_Source,
    wells.Metadata_Plate,
    wells.Metadata_Well,
    wells.Metadata_JCP2022,
    coalesce(perturbations.Metadata_pert_type, 'unknown') AS Metadata_pert_type,
    perturbations.Metadata_Name,
    perturbations.Metadata_modality
FROM jump.wells AS wells
LEFT JOIN jump.perturbations AS perturbations
    ON wells.Metadata_JCP2022 = perturbations.Metadata_JCP2022;

COMMENT ON VIEW jump.treatments IS
'One row per well with its perturbation, role and modality';
COMMENT ON COLUMN jump.treatments.Metadata_Source IS 'Laboratory that made the plate';
COMMENT ON COLUMN jump.treatments.Metadata_Plate IS 'Plate barcode, text even if all digits';
COMMENT ON COLUMN jump.treatments.Metadata_Well IS 'Row letters and two-digit column';
COMMENT ON COLUMN jump.treatments.Metadata_JCP2022 IS 'Identifier of the perturbation';
COMMENT ON COLUMN jump.treatments.Metadata_pert_type IS
'Role: trt, negcon, poscon, empty (untreated cells), bad_construct, or unknown';
COMMENT ON COLUMN jump.treatments.Metadata_Name IS
'Everyday name of a control, else the gene symbol';
COMMENT ON COLUMN jump.treatments.Metadata_modality IS
'compound, orf, crispr, any (no reagent), or NULL (unknown)';
