-- main.list_plates(published, sites, channels): the plates, and what there is to see of each.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate
-- The arguments are names of a collection's relations. A plate of published that sites has nothing
-- of has 0 wells; one of sites that published lacks is there too. estimated_gb counts every image.
-- Brightfield is looked for among the different lists of channels of a plate, because a look into
-- the list of each site takes seconds.
CREATE OR REPLACE MACRO main.list_plates(published, sites, channels) AS TABLE -- noqa: LT01
WITH light AS (
    SELECT coalesce(list(Metadata_Channel::VARCHAR), []) AS names FROM query_table(channels)
    WHERE kind = 'brightfield'
),

seen AS (
    SELECT
        any_value(Metadata_Source) AS Metadata_Source,
        any_value(Metadata_Batch) AS Metadata_Batch,
        any_value(Metadata_Plate) AS Metadata_Plate,
        any_value(Metadata_PlateType) AS Metadata_PlateType,
        count(DISTINCT Metadata_Well) AS wells,
        count(*) AS sites,
        flatten(list(DISTINCT image_channels))::VARCHAR[] AS imaged_channels,
        any_value(plate_issue) AS plate_issue,
        any_value(issues) AS issues,
        sum(image_bytes * len(image_channels)) / 1e9 AS estimated_gb
    FROM query_table(sites)
    GROUP BY plate_number
)

SELECT
    Metadata_Source,
    Metadata_Batch,
    Metadata_Plate,
    coalesce(plates.Metadata_PlateType, seen.Metadata_PlateType) AS Metadata_PlateType,
    coalesce(seen.wells, 0) AS wells,
    coalesce(seen.sites, 0) AS sites,
    list_has_any(seen.imaged_channels, (SELECT names FROM light)) AS brightfield,
    coalesce(seen.estimated_gb, 0) AS estimated_gb,
    nullif(concat_ws(
        '; ',
        seen.plate_issue,
        nullif(array_to_string(
            list_sort(list_distinct([
                one_issue.what FOR one_issue IN seen.issues -- noqa: RF01
            ])), '; '
        ), '')
    ), '') AS known_issues
FROM query_table(published) AS plates
FULL JOIN seen USING (Metadata_Source, Metadata_Batch, Metadata_Plate)
ORDER BY Metadata_Source, Metadata_Batch, Metadata_Plate;

COMMENT ON MACRO TABLE main.list_plates IS -- noqa: PRS
'The plates, and what there is to see of each';
