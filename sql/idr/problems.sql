-- idr.problems: one row per plate of which something could not be used, and reason.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, reason
-- noqa: disable=RF05,RF06
CREATE OR REPLACE TABLE idr.problems AS
SELECT
    Metadata_Source,
    Metadata_Batch,
    Metadata_Plate,
    reason,
    count(*) AS lines
FROM idr.named_files
WHERE reason IS NOT NULL
GROUP BY ALL
UNION ALL
SELECT
    studies.Metadata_Source,
    studies.Metadata_Batch,
    trim(annotations."Plate") AS Metadata_Plate,
    'an annotated well that cannot be one: ' || coalesce(any_value(annotations."Well"), '')
        AS reason,
    count(*) AS lines
FROM idr.annotations AS annotations
INNER JOIN idr.studies AS studies ON annotations.screen = studies.screen
WHERE NOT coalesce(regexp_matches(trim(annotations."Well"), '^[A-Za-z]{1,2}0*[1-9][0-9]?$'), FALSE)
GROUP BY ALL
UNION ALL
SELECT
    studies.Metadata_Source,
    studies.Metadata_Batch,
    trim(annotations."Plate") AS Metadata_Plate,
    'an annotated plate that the list of plates has not' AS reason,
    count(*) AS lines
FROM idr.annotations AS annotations
INNER JOIN idr.studies AS studies ON annotations.screen = studies.screen
ANTI JOIN idr.plates AS plates
    ON
        studies.Metadata_Source = plates.Metadata_Source
        AND studies.Metadata_Batch = plates.Metadata_Batch
        AND trim(annotations."Plate") = plates.Metadata_Plate
WHERE
    coalesce(lower(trim(annotations."Plate Issues")), '') <> 'plate missing'
    AND (
        getvariable('idr_plates') IS NULL
        OR list_contains(
            list_transform(getvariable('idr_plates')::VARCHAR[], LAMBDA plate: lower(plate)),
            lower(trim(annotations."Plate"))
        )
    )
GROUP BY ALL
UNION ALL
SELECT
    plates.Metadata_Source,
    plates.Metadata_Batch,
    plates.Metadata_Plate,
    'a dose that is not a number and a unit: ' || min(annotations."Dose") AS reason,
    count(*) AS lines
FROM idr.annotations AS annotations
INNER JOIN idr.studies AS studies ON annotations.screen = studies.screen
INNER JOIN idr.plates AS plates
    ON
        studies.Metadata_Source = plates.Metadata_Source
        AND studies.Metadata_Batch = plates.Metadata_Batch
        AND trim(annotations."Plate") = plates.Metadata_Plate
WHERE trim(annotations."Dose") <> '' AND idr.dose(annotations."Dose") IS NULL
GROUP BY ALL
UNION ALL
SELECT
    wells.Metadata_Source,
    wells.Metadata_Batch,
    wells.Metadata_Plate,
    'an annotated well beyond row P or column 24, which no movie has' AS reason,
    count(*) AS lines
FROM idr.wells AS wells
INNER JOIN idr.studies AS studies USING (Metadata_Source, Metadata_Batch)
WHERE
    studies.layout = 'ch5'
    AND NOT regexp_full_match(wells.Metadata_Well, '[A-P]([01][0-9]|2[0-4])')
GROUP BY ALL
UNION ALL
SELECT
    fields.Metadata_Source,
    fields.Metadata_Batch,
    fields.Metadata_Plate,
    'imaged wells that no line of the annotation has' AS reason,
    count(DISTINCT fields.Metadata_Well) AS lines
FROM idr.fields AS fields
ANTI JOIN idr.wells
    USING (Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well)
GROUP BY ALL
UNION ALL
SELECT
    wells.Metadata_Source,
    wells.Metadata_Batch,
    wells.Metadata_Plate,
    'annotated wells without an image in the file of the plate' AS reason,
    count(*) AS lines
FROM idr.wells AS wells
INNER JOIN idr.studies AS studies USING (Metadata_Source, Metadata_Batch)
SEMI JOIN idr.fields AS imaged USING (Metadata_Source, Metadata_Batch, Metadata_Plate)
ANTI JOIN idr.fields AS same
    USING (Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well)
WHERE studies.layout = 'screen'
GROUP BY ALL
UNION ALL
SELECT
    plates.Metadata_Source,
    plates.Metadata_Batch,
    plates.Metadata_Plate,
    CASE studies.layout
        WHEN 'zarr' THEN 'no OME-Zarr form in the list of these'
        WHEN 'ch5' THEN 'no annotated well, or no name of its folder'
        ELSE 'no image in the file of the plate'
    END AS reason,
    NULL AS lines
FROM idr.plates AS plates
INNER JOIN idr.studies AS studies USING (Metadata_Source, Metadata_Batch)
ANTI JOIN idr.fields USING (Metadata_Source, Metadata_Batch, Metadata_Plate);

COMMENT ON TABLE idr.problems IS
'One row per plate of which something could not be used, and reason';
COMMENT ON COLUMN idr.problems.lines IS
'Lines or wells that it concerns, NULL for the whole plate';
