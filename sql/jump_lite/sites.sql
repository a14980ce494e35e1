-- jump_lite.sites: one row per site with its images: the planes of its array.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site
-- noqa: disable=RF01
CREATE OR REPLACE TABLE jump_lite.sites AS
WITH places AS (
    SELECT
        list(Metadata_Channel ORDER BY plane) AS channels,
        list({
            'channel': Metadata_Channel,
            'kind': kind,
            'place': '#array=&index=' || plane
        } ORDER BY plane) AS places
    FROM jump_lite.channels
)

SELECT
    listed.Metadata_Source,
    listed.Metadata_Batch,
    listed.Metadata_Plate,
    listed.Metadata_Well,
    listed.Metadata_Site,
    plates.Metadata_PlateType,
    coalesce(wells.Metadata_pert_type, 'unknown') AS Metadata_pert_type,
    wells.Metadata_modality,
    wells.Metadata_JCP2022,
    wells.Metadata_broad_sample,
    wells.Metadata_Symbol,
    wells.Metadata_Group,
    listed.site_key,
    row_number() OVER (
        ORDER BY
            listed.Metadata_Source,
            listed.Metadata_Batch,
            listed.Metadata_Plate,
            listed.Metadata_Well,
            listed.Metadata_Site
    ) AS site_number,
    plates.plate_number,
    places.channels AS image_channels,
    list_transform(
        places.places,
        LAMBDA one: {
            'channel': one.channel,
            'kind': one.kind,
            'url': settings.images || '/' || listed.site_key || one.place,
            'illum': NULL::VARCHAR
        }
    ) AS images,
    packages.image_bytes,
    plates.plate_issue,
    plates.plate_dropped,
    plates.issues
FROM jump_lite.site_index AS listed
INNER JOIN jump_lite.plates AS plates USING (Metadata_Source, Metadata_Batch, Metadata_Plate)
LEFT JOIN jump_lite.wells AS wells
    USING (Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well)
CROSS JOIN jump_lite.settings AS settings
INNER JOIN jump_lite.packages AS packages ON settings.package = packages.package
CROSS JOIN places
WHERE listed.reason IS NULL;

COMMENT ON TABLE jump_lite.sites IS
'One row per site with its images: the planes of its array';
