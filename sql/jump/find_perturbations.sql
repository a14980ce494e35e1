-- jump.find_perturbations(names, modalities): the perturbations that a name may mean.
-- key: asked, Metadata_JCP2022
-- A name is one of jump.perturbation_names, a SMILES, or the first layer of an InChIKey. Case
-- does not matter but in SMILES; blanks and hyphens in a name do not matter if nothing has the
-- name with them. Other signs do: C=S is a SMILES, and not another spelling of the gene CS.
-- Aliases are looked at last, because the alias of one gene is the symbol of another.
-- Published InChIKeys mostly carry no stereochemistry, so a key meets another with the same first
-- layer: that may be a mirror image (quinine, quinidine), and matched_by says so. alike says that a
-- whole key was asked for and only the first layer is the same. modalities NULL means all.
CREATE OR REPLACE MACRO jump.find_perturbations(
    names, -- noqa: LT01
    modalities := NULL
) AS TABLE
WITH asked AS (
    SELECT DISTINCT
        unnest(names::VARCHAR[]) AS asked,
        trim(asked) AS written,
        regexp_replace(lower(asked), '[\s\p{Pd}_]', '', 'g') AS plain_name
),

plain_names AS (
    SELECT
        Metadata_JCP2022,
        matched_by AS known_as,
        unnest([
            regexp_replace(lower(name), '[\s\p{Pd}_]', '', 'g'),
            regexp_replace(lower(name), '[^\pL\pN]', '', 'g')
        ]) AS plain_name
    FROM jump.perturbation_names
    WHERE matched_by NOT IN ('JCP2022', 'NCBI gene', 'InChIKey')
),

matches AS (
    SELECT
        asked,
        Metadata_JCP2022,
        matched_by
    FROM asked INNER JOIN jump.perturbation_names ON lower(written) = lower(name)
    WHERE matched_by <> 'alias'
    UNION ALL
    SELECT
        asked,
        Metadata_JCP2022,
        'first layer of InChIKey' AS matched_by
    FROM asked INNER JOIN jump.perturbations
        ON split_part(upper(written), '-', 1) = split_part(Metadata_InChIKey, '-', 1)
    WHERE regexp_full_match(upper(written), '[A-Z]{14}(-[A-Z]{10}(-[A-Z])?)?')
    UNION ALL
    SELECT
        asked,
        Metadata_JCP2022,
        'SMILES as published' AS matched_by
    FROM asked INNER JOIN jump.perturbations ON written = Metadata_SMILES
),

spelled AS (
    SELECT DISTINCT
        asked,
        Metadata_JCP2022,
        if(known_as = 'alias', 'alias', 'other spelling') AS matched_by
    FROM asked
    ANTI JOIN matches USING (asked)
    INNER JOIN plain_names USING (plain_name)
    WHERE plain_name <> ''
),

best AS (
    SELECT
        asked,
        Metadata_JCP2022,
        min_by(matched_by, (coalesce(list_position([
            'JCP2022', 'gene symbol', 'name', 'NCBI gene', 'InChIKey',
            'first layer of InChIKey', 'SMILES as published'
        ], matched_by), 99), matched_by)) AS matched_by
    FROM matches
    GROUP BY ALL
    UNION ALL
    SELECT
        asked,
        Metadata_JCP2022,
        matched_by
    FROM spelled
    QUALIFY rank() OVER (PARTITION BY asked ORDER BY matched_by = 'alias') = 1
)

SELECT
    best.asked,
    best.matched_by,
    best.matched_by = 'first layer of InChIKey' AND contains(best.asked, '-') AS alike,
    perturbations.*
FROM best
INNER JOIN jump.perturbations USING (Metadata_JCP2022)
WHERE modalities IS NULL OR list_contains(modalities::VARCHAR[], perturbations.Metadata_modality);

COMMENT ON MACRO TABLE jump.find_perturbations IS -- noqa: PRS
'The perturbations that a name may mean';
