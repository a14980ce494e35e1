-- main.add_controls(flagged, ...): the sites that were named, and the controls that fit them.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site
-- flagged has the columns of a collection's sites, and added: FALSE for the sites that were named,
-- TRUE for all others, among which controls are looked for. A control fits a named site of the same
-- plate and modality, because DMSO says nothing of a knock-out beside it. What has no modality of
-- its own (empty, unknown) is fitted by every control of its plate. roles says which wells are
-- controls. Named sites of a role that per_well keeps none of bring no controls.
CREATE OR REPLACE MACRO main.add_controls( -- noqa: PRS
    flagged,
    roles := ['negcon'],
    per_well := NULL
) AS TABLE
WITH named AS MATERIALIZED (
    SELECT DISTINCT
        plate_number,
        coalesce(Metadata_modality, 'any') AS Metadata_modality
    FROM query_table(flagged)
    WHERE
        NOT added
        AND (per_well IS NULL OR coalesce(per_well[Metadata_pert_type], 0) > 0)
)

SELECT *
FROM query_table(flagged)
WHERE
    NOT added
    OR (
        Metadata_pert_type IN roles
        AND (
            (plate_number, Metadata_modality) IN (
                SELECT (plate_number, Metadata_modality) FROM named
            )
            OR plate_number IN (
                SELECT plate_number FROM named
                WHERE Metadata_modality = 'any'
            )
        )
    );

COMMENT ON MACRO TABLE main.add_controls IS -- noqa: PRS
'The sites that were named, and the controls that fit them';
