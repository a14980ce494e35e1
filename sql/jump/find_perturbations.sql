-- jump.find_perturbations(names): the perturbations that a name may mean.
-- key: asked, Metadata_JCP2022
-- A name is a JCP2022 identifier, gene symbol, NCBI gene number, everyday name of a control, SMILES
-- or InChIKey. Case does not matter but in SMILES. Published InChIKeys mostly carry no
-- stereochemistry, so a key meets another with the same first layer: that may be a mirror image
-- (quinine, quinidine), and matched_by says so.
CREATE OR REPLACE MACRO jump.find_perturbations(
    names, -- noqa: LT01
    modalities := NULL
) AS TABLE
WITH asked AS (
    SELECT DISTINCT unnest(names::VARCHAR[]) AS asked
),

known AS (
    SELECT * FROM jump.perturbations
    UNION ALL BY NAME
    SELECT * FROM jump.controls
    ANTI JOIN jump.perturbations USING (Metadata_JCP2022)
),

matches AS (
    SELECT
        asked,
        Metadata_JCP2022,
        'JCP2022' AS matched_by,
        1 AS place
    FROM asked INNER JOIN known ON upper(asked) = upper(Metadata_JCP2022)
    UNION ALL
    SELECT
        asked,
        Metadata_JCP2022,
        'name' AS matched_by,
        2 AS place
    FROM asked INNER JOIN known ON lower(asked) = lower(Metadata_Name)
    UNION ALL
    SELECT
        asked,
        Metadata_JCP2022,
        'gene symbol' AS matched_by,
        3 AS place
    FROM asked INNER JOIN known ON lower(asked) = lower(Metadata_Symbol)
    UNION ALL
    SELECT
        asked,
        Metadata_JCP2022,
        'NCBI gene' AS matched_by,
        4 AS place
    FROM asked INNER JOIN known ON lower(asked) = lower(Metadata_NCBI_Gene_ID)
    UNION ALL
    SELECT
        asked,
        Metadata_JCP2022,
        'InChIKey' AS matched_by,
        5 AS place
    FROM asked INNER JOIN known ON upper(asked) = Metadata_InChIKey
    UNION ALL
    SELECT
        asked,
        Metadata_JCP2022,
        'first layer of InChIKey' AS matched_by,
        6 AS place
    FROM asked INNER JOIN known
        ON split_part(upper(asked), '-', 1) = split_part(Metadata_InChIKey, '-', 1)
    WHERE regexp_full_match(upper(asked), '[A-Z]{14}(-[A-Z]{10}(-[A-Z])?)?')
    UNION ALL
    SELECT
        asked,
        Metadata_JCP2022,
        'SMILES' AS matched_by,
        7 AS place
    FROM asked INNER JOIN known ON asked = Metadata_SMILES
),

best AS (
    SELECT
        asked,
        Metadata_JCP2022,
        min_by(matched_by, place) AS matched_by
    FROM matches
    GROUP BY ALL
)

SELECT
    best.asked,
    best.matched_by,
    known.*
FROM best
INNER JOIN known USING (Metadata_JCP2022)
WHERE modalities IS NULL OR list_contains(modalities::VARCHAR[], known.Metadata_modality);

COMMENT ON MACRO TABLE jump.find_perturbations IS -- noqa: PRS
'The perturbations that a name may mean';
