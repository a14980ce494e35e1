-- main.describe_wells(listed): the wells of platemaps with their roles.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well
-- listed has the columns that jumpduck.collections.platemaps names, as text, and any Metadata_*.
-- A well without a sample holds the solvent, if the platemap has one, else untreated cells:
-- jump-cellpainting/JUMP-Target#29. is_used is FALSE where it is not known which well or which of
-- two rows is meant; reason says that, and what else is doubtful. The modality is that of the row,
-- else that of the plate or of the name of the platemap: JUMP-Target-1_orf_platemap.
CREATE OR REPLACE MACRO main.describe_wells(listed) AS TABLE
WITH named AS (
    SELECT
        * REPLACE (
            main.well_name(Metadata_Well) AS Metadata_Well,
            lower(pert_type) AS pert_type
        ),
        Metadata_Well AS well_text,
        coalesce(perturbation, solvent, 'EMPTY') AS Metadata_Perturbation,
        CASE
            WHEN regexp_matches(control_type, '^(neg|pos)con') THEN left(control_type, 6)
            WHEN
                lower(pert_type) IN ('trt', 'negcon', 'poscon', 'empty', 'bad_construct', 'unknown')
                THEN lower(pert_type)
            WHEN upper(Metadata_Perturbation) = 'DMSO' OR (perturbation IS NULL AND solvent <> '')
                THEN 'negcon'
            WHEN perturbation IS NULL THEN 'empty'
            WHEN pert_type IS NULL THEN 'trt'
            ELSE 'unknown'
        END AS Metadata_pert_type,
        CASE
            WHEN Metadata_pert_type = 'empty' THEN 'any'
            ELSE coalesce(
                lower(modality),
                nullif(regexp_extract(lower(plate_type), '^(compound|orf|crispr)$', 1), ''),
                nullif(regexp_extract(lower(map_name), '_(compound|orf|crispr)(_|$)', 1), '')
            )
        END AS Metadata_modality,
        name AS Metadata_Name,
        inchikey AS Metadata_InChIKey,
        try_cast(concentration AS DOUBLE) AS Metadata_Concentration,
        main.pixel_size(pixel_size) AS Metadata_Pixel_Size_Microns
    FROM query_table(listed)
),

counted AS (
    SELECT
        *,
        count(*) OVER (
            PARTITION BY Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well
        ) AS rows_of_well
    FROM named
)

SELECT
    * EXCLUDE (
        perturbation, pert_type, control_type, modality, solvent, concentration, name, inchikey,
        pixel_size, map_name, plate_type, well_text, rows_of_well
    ) REPLACE (CASE
        WHEN reason IS NOT NULL THEN 'a platemap has ' || reason
        WHEN Metadata_Well IS NULL THEN 'no well in a platemap: ' || main.printable(well_text)
        WHEN rows_of_well > 1 THEN 'two rows of a platemap for one well: ' || Metadata_Well
        WHEN Metadata_pert_type = 'unknown' AND pert_type <> 'unknown'
            THEN
                'pert_type ' || main.printable(pert_type)
                || ' of a platemap is not trt, negcon, poscon or empty'
        WHEN concentration IS NOT NULL AND Metadata_Concentration IS NULL
            THEN 'concentration that is not a number: ' || main.printable(concentration)
        WHEN pixel_size IS NOT NULL AND Metadata_Pixel_Size_Microns IS NULL
            THEN 'pixel size that is not a number above 0: ' || main.printable(pixel_size)
    END AS reason),
    Metadata_Well IS NOT NULL AND rows_of_well = 1 AND reason IS NULL AS is_used
FROM counted;

COMMENT ON MACRO TABLE main.describe_wells IS -- noqa: PRS
'The wells of platemaps with their roles';
