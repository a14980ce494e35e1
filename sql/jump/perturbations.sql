-- jump.perturbations: one row per perturbation that a table describes or a well names.
-- key: Metadata_JCP2022
CREATE OR REPLACE VIEW jump.perturbations AS
SELECT * EXCLUDE (perturbation_number) FROM jump.site_perturbations
WHERE perturbation_number > 0;

COMMENT ON VIEW jump.perturbations IS
'One row per perturbation that a table describes or a well names';
COMMENT ON COLUMN jump.perturbations.Metadata_JCP2022 IS 'Identifier of the perturbation';
COMMENT ON COLUMN jump.perturbations.Metadata_modality IS
'compound, orf, crispr, any (no reagent), or NULL (unknown)';
COMMENT ON COLUMN jump.perturbations.Metadata_pert_type IS
'Role: trt, negcon, poscon, empty (untreated cells), bad_construct, or unknown';
COMMENT ON COLUMN jump.perturbations.Metadata_Name IS
'Everyday name of a control, else the gene symbol';
COMMENT ON COLUMN jump.perturbations.Metadata_InChIKey IS
'InChIKey as published; most carry no stereochemistry';
COMMENT ON COLUMN jump.perturbations.Metadata_SMILES IS 'SMILES as published';
COMMENT ON COLUMN jump.perturbations.Metadata_Symbol IS
'Gene symbol; the tables of two modalities may have different ones for a gene';
COMMENT ON COLUMN jump.perturbations.Metadata_NCBI_Gene_ID IS
'NCBI gene number, the same in all modalities; a word for controls';
COMMENT ON COLUMN jump.perturbations.Metadata_Transcript IS
'Transcript that an overexpression reagent was made from';
COMMENT ON COLUMN jump.perturbations.Metadata_Vector IS
'Plasmid that carries an overexpression reagent';
COMMENT ON COLUMN jump.perturbations.Metadata_Prot_Match IS
'Percent of the protein of an overexpression reagent that matches that of the transcript';
COMMENT ON COLUMN jump.perturbations.Metadata_Chromosome_Arm IS
'Chromosome and arm that the gene lies on, NULL without a file of NCBI';
