-- made_up.sites: one row per site with its images.
CREATE OR REPLACE TABLE made_up.sites AS
WITH numbered AS (
    SELECT
        *,
        dense_rank() OVER (ORDER BY Metadata_Source, Metadata_Batch, Metadata_Plate) AS plate_number
    FROM made_up.wells
)

SELECT
    numbered.Metadata_Source,
    numbered.Metadata_Batch,
    numbered.Metadata_Plate,
    numbered.Metadata_Well,
    sites.number::INTEGER AS Metadata_Site,
    numbered.Metadata_Compound,
    compounds.Metadata_Name,
    compounds.Metadata_pert_type,
    'compound' AS Metadata_modality,
    'DOSES' AS Metadata_PlateType,
    numbered.Metadata_Dose,
    0.5 AS Metadata_Pixel_Size_Microns,
    concat_ws(
        '__', numbered.Metadata_Source, numbered.Metadata_Batch, numbered.Metadata_Plate,
        numbered.Metadata_Well, sites.number
    ) AS site_key,
    row_number() OVER () AS site_number,
    numbered.plate_number,
    (SELECT list(Metadata_Channel) FROM made_up.channels) AS image_channels,
    (
        SELECT
            list({
                'channel': Metadata_Channel,
                'kind': kind,
                'url': concat(
                    getvariable('made_up_gallery'), '/', numbered.Metadata_Plate, '/',
                    numbered.Metadata_Well, '_s', sites.number, '_', Metadata_Channel, '.tif'
                ),
                'illum': NULL::VARCHAR
            } ORDER BY position)
        FROM made_up.channels
    ) AS images,
    9000 AS image_bytes,
    NULL::VARCHAR AS plate_issue,
    FALSE AS plate_dropped,
    CASE
        WHEN numbered.Metadata_Plate = '0002'
            THEN [{
                'well': 'B02', 'site': 1, 'channel': 'nuclei', 'consequence': 'drop',
                'what': 'out of focus'
            }]
    END AS issues
FROM numbered
INNER JOIN made_up.compounds AS compounds USING (Metadata_Compound)
CROSS JOIN range(1, 3) AS sites (number);
