-- jump.annotations: one row per compound and the name that a published file has for it.
-- key: Metadata_JCP2022, origin, Metadata_broad_sample
-- The files know a compound by broad_sample and InChIKey. Two of five of their InChIKeys are not in
-- the table of compounds, which was made with other rules (jump-cellpainting/JUMP-Target#35).
-- Therefore a compound is first looked for in the wells where the platemap has it: what most wells
-- of such plates hold, because a few plates have DMSO where a compound was used up. What that does
-- not find is looked for by its InChIKey.
SET VARIABLE jump_annotation_paths = (
    SELECT list(as_pattern(path) ORDER BY position) FROM jump.annotation_files
    WHERE path IS NOT NULL
);
SET VARIABLE jump_platemaps = (
    SELECT list(as_pattern(platemap) ORDER BY position) FROM jump.annotation_files
    WHERE path IS NOT NULL AND platemap IS NOT NULL
);

CREATE OR REPLACE TABLE jump.annotations (
    Metadata_JCP2022 VARCHAR,
    Metadata_pert_iname VARCHAR,
    Metadata_target_list VARCHAR,
    Metadata_moa VARCHAR,
    Metadata_broad_sample VARCHAR,
    origin VARCHAR,
    matched_by VARCHAR,
    PRIMARY KEY (Metadata_JCP2022, origin, Metadata_broad_sample)
);

INSERT INTO jump.annotations
WITH described AS (
    SELECT
        NULL::VARCHAR AS broad_sample,
        NULL::VARCHAR AS InChIKey,
        NULL::VARCHAR AS pert_iname,
        NULL::VARCHAR AS target_list,
        NULL::VARCHAR AS moa,
        NULL::VARCHAR AS filename
    WHERE FALSE
    UNION ALL BY NAME
    FROM query(
        CASE
            WHEN getvariable('jump_annotation_paths') IS NULL
                THEN 'SELECT NULL AS filename WHERE FALSE'
            ELSE
                'FROM read_csv(getvariable(''jump_annotation_paths''), delim = E''\t'','
                || ' header = TRUE, all_varchar = TRUE, quote = '''', escape = '''','
                || ' comment = '''', skip = 0,'
                || ' nullstr = [''NA'', ''''], union_by_name = TRUE, filename = TRUE)'
        END
    )
),

places AS (
    SELECT
        NULL::VARCHAR AS well_position,
        NULL::VARCHAR AS broad_sample,
        NULL::VARCHAR AS filename
    WHERE FALSE
    UNION ALL BY NAME
    FROM query(
        CASE
            WHEN getvariable('jump_platemaps') IS NULL
                THEN 'SELECT NULL AS filename WHERE FALSE'
            ELSE
                'FROM read_csv(getvariable(''jump_platemaps''), delim = E''\t'','
                || ' header = TRUE, all_varchar = TRUE, quote = '''', escape = '''','
                || ' comment = '''', skip = 0,'
                || ' nullstr = [''NA'', ''''], union_by_name = TRUE, filename = TRUE)'
        END
    )
),

held AS (
    SELECT
        files.origin,
        places.broad_sample,
        wells.Metadata_JCP2022
    FROM places
    INNER JOIN jump.annotation_files AS files ON places.filename = files.platemap
    INNER JOIN jump.plates AS plates ON files.wells_of = plates.Metadata_PlateType
    INNER JOIN jump.wells AS wells
        ON
            plates.Metadata_Source = wells.Metadata_Source
            AND plates.Metadata_Plate = wells.Metadata_Plate
            AND places.well_position = wells.Metadata_Well
    WHERE places.broad_sample IS NOT NULL AND wells.Metadata_JCP2022 IS NOT NULL
    GROUP BY files.origin, places.broad_sample, wells.Metadata_JCP2022
    QUALIFY row_number() OVER (
        PARTITION BY files.origin, places.broad_sample
        ORDER BY count(*) DESC, wells.Metadata_JCP2022 ASC
    ) = 1
),

named AS (
    SELECT DISTINCT
        files.origin,
        described.broad_sample,
        described.InChIKey,
        described.pert_iname,
        described.target_list,
        described.moa
    FROM described
    INNER JOIN jump.annotation_files AS files ON described.filename = files.path
    WHERE described.broad_sample IS NOT NULL AND described.pert_iname IS NOT NULL
),

found AS (
    SELECT
        named.*,
        coalesce(held.Metadata_JCP2022, compounds.Metadata_JCP2022) AS Metadata_JCP2022,
        if(held.Metadata_JCP2022 IS NULL, 'InChIKey', 'wells of the platemap') AS matched_by
    FROM named
    LEFT JOIN held
        ON named.origin = held.origin AND named.broad_sample = held.broad_sample
    LEFT JOIN jump.compounds AS compounds ON named.InChIKey = compounds.Metadata_InChIKey
)

SELECT
    Metadata_JCP2022,
    min(pert_iname) AS Metadata_pert_iname,
    min(target_list) AS Metadata_target_list,
    min(moa) AS Metadata_moa,
    broad_sample AS Metadata_broad_sample,
    origin,
    min(matched_by) AS matched_by
FROM found
WHERE Metadata_JCP2022 IS NOT NULL
GROUP BY ALL;

COMMENT ON TABLE jump.annotations IS
'One row per compound and the name that a published file has for it';
COMMENT ON COLUMN jump.annotations.Metadata_JCP2022 IS 'Identifier of the perturbation';
COMMENT ON COLUMN jump.annotations.Metadata_pert_iname IS 'Its everyday name: quinine ...';
COMMENT ON COLUMN jump.annotations.Metadata_target_list IS
'Symbols of the genes that it acts on, separated by bars';
COMMENT ON COLUMN jump.annotations.Metadata_moa IS 'Its mechanism of action';
COMMENT ON COLUMN jump.annotations.Metadata_broad_sample IS 'Identifier of the sample';
COMMENT ON COLUMN jump.annotations.origin IS 'Set that names it, see jump.annotation_files';
COMMENT ON COLUMN jump.annotations.matched_by IS
'How the compound was found: wells of the platemap, or InChIKey';
