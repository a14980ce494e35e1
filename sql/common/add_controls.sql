-- main.add_controls(chosen, sites, ...): the chosen sites, and the controls that fit them.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site
-- Both arguments are names of relations with the columns of a collection's sites: controls are
-- looked for in sites, whatever condition chosen was made with. A control fits a chosen site of
-- the same plate and modality, because DMSO says nothing of a knock-out beside it. What has no
-- modality of its own (empty, unknown) is fitted by every control of its plate. roles says which
-- wells are controls. added says which sites are controls that nobody named.
CREATE OR REPLACE MACRO main.add_controls(chosen, sites, roles := ['negcon']) AS TABLE -- noqa: LT01
WITH named AS MATERIALIZED (
    SELECT
        site_number,
        plate_number,
        coalesce(Metadata_modality, 'any') AS Metadata_modality
    FROM query_table(chosen)
)

SELECT
    *,
    site_number NOT IN (SELECT site_number FROM named) AS added
FROM query_table(sites)
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
'The chosen sites, and the controls that fit them';
