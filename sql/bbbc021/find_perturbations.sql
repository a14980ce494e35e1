-- bbbc021.find_perturbations(names, modalities): the compounds that a name may mean.
-- key: asked, Metadata_Compound
-- Case does not matter but in SMILES; blanks and hyphens do not matter if nothing has the name with
-- them. modalities NULL means all.
CREATE OR REPLACE MACRO bbbc021.find_perturbations(
    names, -- noqa: LT01
    modalities := NULL
) AS TABLE
WITH asked AS (
    SELECT DISTINCT
        unnest(names::VARCHAR[]) AS asked,
        trim(asked) AS written,
        regexp_replace(lower(asked), '[\s\p{Pd}_]', '', 'g') AS plain_name
),

matches AS (
    SELECT
        asked,
        Metadata_Compound,
        'name' AS matched_by
    FROM asked INNER JOIN bbbc021.compounds ON lower(written) = lower(Metadata_Compound)
    UNION ALL
    SELECT
        asked,
        Metadata_Compound,
        'SMILES as published' AS matched_by
    FROM asked INNER JOIN bbbc021.compounds ON written = Metadata_SMILES
),

spelled AS (
    SELECT DISTINCT
        asked,
        Metadata_Compound,
        'other spelling' AS matched_by
    FROM asked
    ANTI JOIN matches USING (asked)
    INNER JOIN bbbc021.compounds
        ON plain_name = regexp_replace(lower(Metadata_Compound), '[\s\p{Pd}_]', '', 'g')
    WHERE plain_name <> ''
),

found AS (
    FROM matches
    UNION ALL
    FROM spelled
)

SELECT
    asked,
    matched_by,
    FALSE AS alike,
    Metadata_Compound,
    'compound' AS Metadata_modality
FROM found
WHERE modalities IS NULL OR list_contains(modalities::VARCHAR[], 'compound');

COMMENT ON MACRO TABLE bbbc021.find_perturbations IS -- noqa: PRS
'The compounds that a name may mean';
