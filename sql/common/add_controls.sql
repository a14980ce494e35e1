-- main.add_controls(chosen, sites): the chosen sites, and the negative controls of their plates.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site
-- Both arguments are names of relations with the columns of a collection's sites: controls are
-- looked for in sites, whatever condition chosen was made with.
CREATE OR REPLACE MACRO main.add_controls(chosen, sites) AS TABLE -- noqa: LT01
SELECT *
FROM query_table(sites)
WHERE
    site_number IN (SELECT site_number FROM query_table(chosen))
    OR (
        Metadata_pert_type = 'negcon'
        AND plate_number IN (SELECT plate_number FROM query_table(chosen))
    );

COMMENT ON MACRO TABLE main.add_controls IS -- noqa: PRS
'The chosen sites, and the negative controls of their plates';
