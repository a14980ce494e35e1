-- jump.find_perturbations(names, modalities): the perturbations that a name may mean.
-- key: asked, Metadata_JCP2022
-- A name is one of jump.perturbation_names, a SMILES, or the first layer of an InChIKey. Case does
-- not matter but in SMILES. Published InChIKeys mostly carry no stereochemistry, so a key meets
-- another with the same first layer: that may be a mirror image (quinine, quinidine), and
-- matched_by says so. modalities NULL means all.
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
        matched_by
    FROM asked INNER JOIN jump.perturbation_names ON lower(asked) = lower(name)
    UNION ALL
    SELECT
        asked,
        Metadata_JCP2022,
        'first layer of InChIKey' AS matched_by
    FROM asked INNER JOIN known
        ON split_part(upper(asked), '-', 1) = split_part(Metadata_InChIKey, '-', 1)
    WHERE regexp_full_match(upper(asked), '[A-Z]{14}(-[A-Z]{10}(-[A-Z])?)?')
    UNION ALL
    SELECT
        asked,
        Metadata_JCP2022,
        'SMILES' AS matched_by
    FROM asked INNER JOIN known ON asked = Metadata_SMILES
),

best AS (
    SELECT
        asked,
        Metadata_JCP2022,
        min_by(matched_by, list_position([
            'JCP2022', 'name', 'gene symbol', 'NCBI gene', 'InChIKey',
            'first layer of InChIKey', 'SMILES'
        ], matched_by)) AS matched_by
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
