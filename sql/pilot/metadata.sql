-- pilot.metadata: writes the tables as JUMP publishes them, into the folder pilot_metadata.
-- What the project does not know is a table without rows: every file must be there.
COPY ( -- noqa: PRS
    SELECT
        Metadata_Source,
        Metadata_Batch,
        Metadata_Plate,
        Metadata_PlateType
    FROM pilot.plates ORDER BY ALL
) TO (getvariable('pilot_metadata') || '/plate.csv.gz');
COPY (FROM pilot.wells ORDER BY ALL) TO (getvariable('pilot_metadata') || '/well.csv.gz');
COPY (
    SELECT * EXCLUDE (name, control_type) FROM pilot.compounds ORDER BY ALL
) TO (getvariable('pilot_metadata') || '/compound.csv.gz');
COPY (
    SELECT
        Metadata_JCP2022,
        Metadata_Symbol,
        NULL AS Metadata_NCBI_Gene_ID
    FROM pilot.genes
    WHERE Metadata_modality = 'crispr'
    ORDER BY ALL
) TO (getvariable('pilot_metadata') || '/crispr.csv.gz');
COPY (
    SELECT
        Metadata_JCP2022,
        Metadata_Symbol,
        NULL AS Metadata_NCBI_Gene_ID
    FROM pilot.genes
    WHERE Metadata_modality = 'orf'
    ORDER BY ALL
) TO (getvariable('pilot_metadata') || '/orf.csv.gz');
COPY (
    FROM pilot.controls ORDER BY ALL
) TO (getvariable('pilot_metadata') || '/perturbation_control.csv');
COPY (
    SELECT
        'source_4' AS Metadata_Source,
        'Opera Phenix' AS Metadata_Microscope_Name,
        'Widefield' AS Metadata_Widefield_vs_Confocal,
        'Laser' AS Metadata_Excitation_Type,
        1.0 AS Metadata_Objective_NA,
        9 AS Metadata_Sites_Per_Well,
        'B' AS Metadata_Filter_Configuration,
        0.597976 AS Metadata_Pixel_Size_Microns
) TO (getvariable('pilot_metadata') || '/microscope_config.csv');
COPY (
    SELECT NULL AS Metadata_Compound_Source, NULL AS Metadata_JCP2022
    WHERE FALSE
) TO (getvariable('pilot_metadata') || '/compound_source.csv.gz');
COPY (
    SELECT NULL AS Metadata_Source, NULL AS Metadata_CellProfiler_Version
    WHERE FALSE
) TO (getvariable('pilot_metadata') || '/cellprofiler_version.csv');
COPY (
    SELECT
        NULL AS Metadata_Filter_Configuration, NULL AS Metadata_Excitation_Low_DNA,
        NULL AS Metadata_Excitation_Low_ER, NULL AS Metadata_Excitation_Low_RNA,
        NULL AS Metadata_Excitation_Low_AGP, NULL AS Metadata_Excitation_Low_Mito,
        NULL AS Metadata_Excitation_High_DNA, NULL AS Metadata_Excitation_High_ER,
        NULL AS Metadata_Excitation_High_RNA, NULL AS Metadata_Excitation_High_AGP,
        NULL AS Metadata_Excitation_High_Mito, NULL AS Metadata_Emission_Low_DNA,
        NULL AS Metadata_Emission_Low_ER, NULL AS Metadata_Emission_Low_RNA,
        NULL AS Metadata_Emission_Low_AGP, NULL AS Metadata_Emission_Low_Mito,
        NULL AS Metadata_Emission_High_DNA, NULL AS Metadata_Emission_High_ER,
        NULL AS Metadata_Emission_High_RNA, NULL AS Metadata_Emission_High_AGP,
        NULL AS Metadata_Emission_High_Mito, NULL AS Metadata_FPBase_Config
    WHERE FALSE
) TO (getvariable('pilot_metadata') || '/microscope_filter.csv');
