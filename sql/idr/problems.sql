-- idr.problems: one row per plate of which something could not be used, and reason.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, reason
-- noqa: disable=RF06
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
    annotations."Plate" AS Metadata_Plate,
    'an annotated well that cannot be one: ' || coalesce(any_value(annotations."Well"), '')
        AS reason,
    count(*) AS lines
FROM idr.annotations AS annotations
INNER JOIN idr.studies AS studies ON annotations.screen = studies.screen
WHERE NOT coalesce(regexp_matches(trim(annotations."Well"), '^[A-Za-z]{1,2}0*[1-9][0-9]?$'), FALSE)
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
