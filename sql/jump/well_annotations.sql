-- jump.well_annotations: one row per published well, with what jump.sites says of its sites.
-- key: Metadata_Source, Metadata_Plate, Metadata_Well
-- Whether the catalog has images of the well does not matter. The batch of a plate that was imaged
-- in two is NULL, because profiles do not say which of them they are of.
CREATE OR REPLACE VIEW jump.well_annotations AS
WITH plates AS (
    SELECT
        Metadata_Source,
        Metadata_Plate,
        if(count(DISTINCT Metadata_Batch) = 1, min(Metadata_Batch), NULL) AS Metadata_Batch,
        min(Metadata_PlateType) AS Metadata_PlateType
    FROM jump.plates
    GROUP BY Metadata_Source, Metadata_Plate
)

SELECT
    wells.Metadata_Source,
    plates.Metadata_Batch,
    wells.Metadata_Plate,
    wells.Metadata_Well,
    plates.Metadata_PlateType,
    wells.Metadata_JCP2022,
    perturbations.Metadata_Name,
    perturbations.Metadata_pert_type,
    perturbations.Metadata_modality,
    perturbations.Metadata_Symbol,
    perturbations.Metadata_InChIKey,
    perturbations.Metadata_SMILES,
    CASE
        WHEN perturbations.Metadata_modality <> 'compound' THEN NULL
        WHEN perturbations.Metadata_pert_type IN ('trt', 'poscon')
            THEN
                jump.concentration(
                    perturbations.Metadata_pert_type,
                    wells.Metadata_Source,
                    plates.Metadata_PlateType
                )
    END AS Metadata_Concentration_Micromolar
FROM jump.wells AS wells
LEFT JOIN plates
    ON
        wells.Metadata_Source = plates.Metadata_Source
        AND wells.Metadata_Plate = plates.Metadata_Plate
LEFT JOIN jump.site_perturbations AS perturbations
    ON wells.Metadata_JCP2022 = perturbations.Metadata_JCP2022;

COMMENT ON VIEW jump.well_annotations IS
'One row per published well, with what jump.sites says of its sites';
COMMENT ON COLUMN jump.well_annotations.Metadata_Source IS 'Laboratory that made the plate';
COMMENT ON COLUMN jump.well_annotations.Metadata_Batch IS
'Batch the plate was imaged in, NULL if there are several';
COMMENT ON COLUMN jump.well_annotations.Metadata_Plate IS 'Plate barcode, text even if all digits';
COMMENT ON COLUMN jump.well_annotations.Metadata_Well IS 'Row letters and two-digit column';
COMMENT ON COLUMN jump.well_annotations.Metadata_PlateType IS 'What the plate holds';
COMMENT ON COLUMN jump.well_annotations.Metadata_JCP2022 IS 'Identifier of the perturbation';
COMMENT ON COLUMN jump.well_annotations.Metadata_Name IS
'Everyday name of a control, else the gene symbol';
COMMENT ON COLUMN jump.well_annotations.Metadata_pert_type IS
'Role: trt, negcon, poscon, empty (untreated cells), bad_construct, or unknown';
COMMENT ON COLUMN jump.well_annotations.Metadata_modality IS
'compound, orf, crispr, any (no reagent), or NULL (unknown)';
COMMENT ON COLUMN jump.well_annotations.Metadata_Symbol IS 'Gene symbol';
COMMENT ON COLUMN jump.well_annotations.Metadata_InChIKey IS 'InChIKey as published';
COMMENT ON COLUMN jump.well_annotations.Metadata_SMILES IS 'SMILES as published';
COMMENT ON COLUMN jump.well_annotations.Metadata_Concentration_Micromolar IS
'Concentration of a compound in micromoles a litre; NULL where none is published';
