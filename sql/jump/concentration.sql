-- jump.concentration(role, of_source, plate_type): what compounds of a role were used at.
-- In micromoles a litre, by the rule of jump.concentrations that says most.
CREATE OR REPLACE MACRO jump.concentration(role, of_source, plate_type) AS (
    SELECT
        arg_max(
            rules.micromolar,
            if(rules.Metadata_PlateType IS NULL, 0, 2) + if(rules.Metadata_Source IS NULL, 0, 1)
        )
    FROM jump.concentrations AS rules
    WHERE
        rules.Metadata_pert_type = role
        AND coalesce(rules.Metadata_Source, of_source) = of_source
        AND coalesce(rules.Metadata_PlateType, plate_type, '') = coalesce(plate_type, '')
);

COMMENT ON MACRO jump.concentration IS -- noqa: PRS
'What compounds of a role were used at';
