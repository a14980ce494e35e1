-- idr.sites: one row per site with its images: a field of view, or a frame of a movie.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site
-- The number of a site is that of its field, and for movies, of which a well has one, that of the
-- frame, because the key of a site has no frame.
-- noqa: disable=RF01
CREATE OR REPLACE VIEW idr.sites AS
SELECT
    fields.Metadata_Source,
    fields.Metadata_Batch,
    fields.Metadata_Plate,
    fields.Metadata_Well,
    CASE
        WHEN fields.frames = 0 THEN fields.field
        ELSE (fields.field - 1) * fields.frames + frames.frame
    END::INTEGER AS Metadata_Site,
    nullif(frames.frame, 0) AS Metadata_Frame,
    fields.* EXCLUDE (
        Metadata_Source,
        Metadata_Batch,
        Metadata_Plate,
        Metadata_Well,
        field,
        frames,
        images,
        sites_before
    ),
    concat_ws(
        '__', fields.Metadata_Source, fields.Metadata_Batch, fields.Metadata_Plate,
        fields.Metadata_Well,
        CASE
            WHEN fields.frames = 0 THEN fields.field
            ELSE (fields.field - 1) * fields.frames + frames.frame
        END
    ) AS site_key,
    fields.sites_before + greatest(frames.frame, 1) AS site_number,
    list_transform(fields.images, LAMBDA one: one.channel) AS image_channels,
    list_transform(
        fields.images,
        LAMBDA one: {
            'channel': one.channel,
            'kind': one.kind,
            'url': one.start || coalesce((frames.frame - 1) || one.rest, ''),
            'illum': NULL::VARCHAR
        }
    ) AS images,
    NULL::VARCHAR AS plate_issue,
    FALSE AS plate_dropped,
    NULL::STRUCT(
        well VARCHAR, site INTEGER, channel VARCHAR, consequence VARCHAR, what VARCHAR
    )[] AS issues
FROM idr.fields AS fields
INNER JOIN idr.frames AS frames USING (frames);

COMMENT ON VIEW idr.sites IS
'One row per site with its images: a field of view, or a frame of a movie';
