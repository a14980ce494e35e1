-- jump.sites: one row per site with its images, and its well's perturbation, role and modality.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site
CREATE OR REPLACE VIEW jump.sites AS
SELECT
    plates.Metadata_Source,
    plates.Metadata_Batch,
    plates.Metadata_Plate,
    lines.Metadata_Well,
    lines.Metadata_Site,
    lines.Metadata_JCP2022,
    lines.Metadata_Name,
    lines.Metadata_pert_type,
    lines.Metadata_modality,
    perturbations.Metadata_Symbol,
    perturbations.Metadata_InChIKey,
    perturbations.Metadata_SMILES,
    CASE
        WHEN lines.Metadata_modality <> 'compound' THEN NULL
        WHEN lines.Metadata_pert_type = 'trt' THEN plates.trt_micromolar
        WHEN lines.Metadata_pert_type = 'poscon' THEN plates.poscon_micromolar
    END AS Metadata_Concentration_Micromolar,
    perturbations.Metadata_Transcript,
    perturbations.Metadata_Vector,
    perturbations.Metadata_Prot_Match,
    perturbations.Metadata_Chromosome_Arm,
    CASE len(lines.Metadata_Well)
        WHEN 3 THEN ascii(lines.Metadata_Well) - 64
        ELSE
            26 * (ascii(lines.Metadata_Well) - 64) + ascii(lines.Metadata_Well[2:]) - 64
    END AS Metadata_Well_Row,
    lines.Metadata_Well[-2:]::INTEGER AS Metadata_Well_Column,
    plates.Metadata_PlateType,
    plates.Metadata_Pixel_Size_Microns,
    plates.Metadata_Source || '__' || plates.Metadata_Batch || '__' || plates.Metadata_Plate
    || '__' || lines.Metadata_Well || '__' || lines.Metadata_Site AS site_key,
    lines.rowid AS site_number,
    lines.plate_number,
    lines.image_channels,
    lines.images,
    plates.image_bytes,
    plates.plate_issue,
    plates.plate_dropped,
    plates.issues
FROM jump.load_data_lines AS lines
INNER JOIN jump.imaged_plates AS plates ON lines.plate_number = plates.plate_number
INNER JOIN jump.site_perturbations AS perturbations
    ON lines.perturbation_number = perturbations.perturbation_number
WHERE lines.reason IS NULL;

COMMENT ON VIEW jump.sites IS
'One row per site with its images, and its well''s perturbation, role and modality';
COMMENT ON COLUMN jump.sites.Metadata_Source IS 'Laboratory that made the plate';
COMMENT ON COLUMN jump.sites.Metadata_Batch IS 'Batch the plate was imaged in';
COMMENT ON COLUMN jump.sites.Metadata_Plate IS 'Plate barcode, text even if all digits';
COMMENT ON COLUMN jump.sites.Metadata_Well IS 'Row letters and two-digit column';
COMMENT ON COLUMN jump.sites.Metadata_Site IS
'Field of view in the well; the first is 0 in some sources, 1 in others';
COMMENT ON COLUMN jump.sites.Metadata_JCP2022 IS 'Identifier of the perturbation';
COMMENT ON COLUMN jump.sites.Metadata_Name IS
'Everyday name of a control, else the gene symbol';
COMMENT ON COLUMN jump.sites.Metadata_pert_type IS
'Role: trt, negcon, poscon, empty (untreated cells), bad_construct, or unknown';
COMMENT ON COLUMN jump.sites.Metadata_modality IS
'compound, orf, crispr, any (no reagent), or NULL (unknown)';
COMMENT ON COLUMN jump.sites.Metadata_Symbol IS
'Gene symbol, from orf.csv.gz or crispr.csv.gz; the two may have different ones for a gene';
COMMENT ON COLUMN jump.sites.Metadata_InChIKey IS
'InChIKey, from compound.csv.gz; most carry no stereochemistry';
COMMENT ON COLUMN jump.sites.Metadata_SMILES IS 'SMILES, from compound.csv.gz';
COMMENT ON COLUMN jump.sites.Metadata_Concentration_Micromolar IS
'Concentration of a compound in micromoles a litre, from jump.concentrations; NULL for DMSO and '
'where none is published';
COMMENT ON COLUMN jump.sites.Metadata_Transcript IS
'Transcript that an overexpression reagent was made from, from orf.csv.gz';
COMMENT ON COLUMN jump.sites.Metadata_Vector IS
'Plasmid that carries an overexpression reagent, from orf.csv.gz';
COMMENT ON COLUMN jump.sites.Metadata_Prot_Match IS
'Percent of the protein of an overexpression reagent that matches that of the transcript, from '
'orf.csv.gz';
COMMENT ON COLUMN jump.sites.Metadata_Chromosome_Arm IS
'Chromosome and arm that the gene lies on, as 17p, from the gene_info of NCBI that the catalog was '
'made with; NULL without one';
COMMENT ON COLUMN jump.sites.Metadata_Well_Row IS
'Row of the well on its plate: 1 for A, 27 for AA; 1 and the last lie at the edge';
COMMENT ON COLUMN jump.sites.Metadata_Well_Column IS 'Column of the well on its plate, from 1';
COMMENT ON COLUMN jump.sites.Metadata_PlateType IS 'What the plate holds';
COMMENT ON COLUMN jump.sites.Metadata_Pixel_Size_Microns IS 'Edge of a pixel in micrometres';
COMMENT ON COLUMN jump.sites.site_key IS 'source__batch__plate__well__site';
COMMENT ON COLUMN jump.sites.site_number IS
'Number of the site; means nothing outside this catalog';
COMMENT ON COLUMN jump.sites.plate_number IS
'Place of the plate in the order of its key; means nothing outside this catalog';
COMMENT ON COLUMN jump.sites.image_channels IS
'Channels of its images: read in a moment, where images takes seconds';
COMMENT ON COLUMN jump.sites.images IS
'Its images in the order of jump.channels: channel, kind, url, and illum (URL of the function)';
COMMENT ON COLUMN jump.sites.image_bytes IS 'Bytes of one image, an estimate';
COMMENT ON COLUMN jump.sites.plate_issue IS
'What is wrong with the whole plate, NULL if nothing';
COMMENT ON COLUMN jump.sites.plate_dropped IS 'Whether the whole plate is to be left out';
COMMENT ON COLUMN jump.sites.issues IS 'Known issues of parts of the plate, NULL if none';
