-- jump.microscope_filters: one row per set of optical filters.
-- key: Metadata_Filter_Configuration
CREATE OR REPLACE TABLE jump.microscope_filters (
    Metadata_Filter_Configuration VARCHAR,
    Metadata_Excitation_Low_DNA DOUBLE,
    Metadata_Excitation_Low_ER DOUBLE,
    Metadata_Excitation_Low_RNA DOUBLE,
    Metadata_Excitation_Low_AGP DOUBLE,
    Metadata_Excitation_Low_Mito DOUBLE,
    Metadata_Excitation_High_DNA DOUBLE,
    Metadata_Excitation_High_ER DOUBLE,
    Metadata_Excitation_High_RNA DOUBLE,
    Metadata_Excitation_High_AGP DOUBLE,
    Metadata_Excitation_High_Mito DOUBLE,
    Metadata_Emission_Low_DNA DOUBLE,
    Metadata_Emission_Low_ER DOUBLE,
    Metadata_Emission_Low_RNA DOUBLE,
    Metadata_Emission_Low_AGP DOUBLE,
    Metadata_Emission_Low_Mito DOUBLE,
    Metadata_Emission_High_DNA DOUBLE,
    Metadata_Emission_High_ER DOUBLE,
    Metadata_Emission_High_RNA DOUBLE,
    Metadata_Emission_High_AGP DOUBLE,
    Metadata_Emission_High_Mito DOUBLE,
    Metadata_FPBase_Config VARCHAR,
    PRIMARY KEY (Metadata_Filter_Configuration)
);

INSERT INTO jump.microscope_filters
SELECT
    Metadata_Filter_Configuration,
    Metadata_Excitation_Low_DNA::DOUBLE AS Metadata_Excitation_Low_DNA,
    Metadata_Excitation_Low_ER::DOUBLE AS Metadata_Excitation_Low_ER,
    Metadata_Excitation_Low_RNA::DOUBLE AS Metadata_Excitation_Low_RNA,
    Metadata_Excitation_Low_AGP::DOUBLE AS Metadata_Excitation_Low_AGP,
    Metadata_Excitation_Low_Mito::DOUBLE AS Metadata_Excitation_Low_Mito,
    Metadata_Excitation_High_DNA::DOUBLE AS Metadata_Excitation_High_DNA,
    Metadata_Excitation_High_ER::DOUBLE AS Metadata_Excitation_High_ER,
    Metadata_Excitation_High_RNA::DOUBLE AS Metadata_Excitation_High_RNA,
    Metadata_Excitation_High_AGP::DOUBLE AS Metadata_Excitation_High_AGP,
    Metadata_Excitation_High_Mito::DOUBLE AS Metadata_Excitation_High_Mito,
    Metadata_Emission_Low_DNA::DOUBLE AS Metadata_Emission_Low_DNA,
    Metadata_Emission_Low_ER::DOUBLE AS Metadata_Emission_Low_ER,
    Metadata_Emission_Low_RNA::DOUBLE AS Metadata_Emission_Low_RNA,
    Metadata_Emission_Low_AGP::DOUBLE AS Metadata_Emission_Low_AGP,
    Metadata_Emission_Low_Mito::DOUBLE AS Metadata_Emission_Low_Mito,
    Metadata_Emission_High_DNA::DOUBLE AS Metadata_Emission_High_DNA,
    Metadata_Emission_High_ER::DOUBLE AS Metadata_Emission_High_ER,
    Metadata_Emission_High_RNA::DOUBLE AS Metadata_Emission_High_RNA,
    Metadata_Emission_High_AGP::DOUBLE AS Metadata_Emission_High_AGP,
    Metadata_Emission_High_Mito::DOUBLE AS Metadata_Emission_High_Mito,
    Metadata_FPBase_Config
FROM read_csv(
    getvariable('jump_metadata_copy') || '/microscope_filter.csv',
    header = TRUE, all_varchar = TRUE, comment = '', skip = 0
);

COMMENT ON TABLE jump.microscope_filters IS 'One row per set of optical filters';
COMMENT ON COLUMN jump.microscope_filters.Metadata_Filter_Configuration IS
'Letter of the filter set';
COMMENT ON COLUMN jump.microscope_filters.Metadata_Excitation_Low_DNA IS
'Lower end of the excitation band for DNA, in nanometres';
COMMENT ON COLUMN jump.microscope_filters.Metadata_Excitation_Low_ER IS
'Lower end of the excitation band for ER, in nanometres';
COMMENT ON COLUMN jump.microscope_filters.Metadata_Excitation_Low_RNA IS
'Lower end of the excitation band for RNA, in nanometres';
COMMENT ON COLUMN jump.microscope_filters.Metadata_Excitation_Low_AGP IS
'Lower end of the excitation band for AGP, in nanometres';
COMMENT ON COLUMN jump.microscope_filters.Metadata_Excitation_Low_Mito IS
'Lower end of the excitation band for Mito, in nanometres';
COMMENT ON COLUMN jump.microscope_filters.Metadata_Excitation_High_DNA IS
'Upper end of the excitation band for DNA, in nanometres';
COMMENT ON COLUMN jump.microscope_filters.Metadata_Excitation_High_ER IS
'Upper end of the excitation band for ER, in nanometres';
COMMENT ON COLUMN jump.microscope_filters.Metadata_Excitation_High_RNA IS
'Upper end of the excitation band for RNA, in nanometres';
COMMENT ON COLUMN jump.microscope_filters.Metadata_Excitation_High_AGP IS
'Upper end of the excitation band for AGP, in nanometres';
COMMENT ON COLUMN jump.microscope_filters.Metadata_Excitation_High_Mito IS
'Upper end of the excitation band for Mito, in nanometres';
COMMENT ON COLUMN jump.microscope_filters.Metadata_Emission_Low_DNA IS
'Lower end of the emission band for DNA, in nanometres';
COMMENT ON COLUMN jump.microscope_filters.Metadata_Emission_Low_ER IS
'Lower end of the emission band for ER, in nanometres';
COMMENT ON COLUMN jump.microscope_filters.Metadata_Emission_Low_RNA IS
'Lower end of the emission band for RNA, in nanometres';
COMMENT ON COLUMN jump.microscope_filters.Metadata_Emission_Low_AGP IS
'Lower end of the emission band for AGP, in nanometres';
COMMENT ON COLUMN jump.microscope_filters.Metadata_Emission_Low_Mito IS
'Lower end of the emission band for Mito, in nanometres';
COMMENT ON COLUMN jump.microscope_filters.Metadata_Emission_High_DNA IS
'Upper end of the emission band for DNA, in nanometres';
COMMENT ON COLUMN jump.microscope_filters.Metadata_Emission_High_ER IS
'Upper end of the emission band for ER, in nanometres';
COMMENT ON COLUMN jump.microscope_filters.Metadata_Emission_High_RNA IS
'Upper end of the emission band for RNA, in nanometres';
COMMENT ON COLUMN jump.microscope_filters.Metadata_Emission_High_AGP IS
'Upper end of the emission band for AGP, in nanometres';
COMMENT ON COLUMN jump.microscope_filters.Metadata_Emission_High_Mito IS
'Upper end of the emission band for Mito, in nanometres';
COMMENT ON COLUMN jump.microscope_filters.Metadata_FPBase_Config IS
'Address of the set in FPbase';
