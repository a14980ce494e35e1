-- main.keep_imaged(sites, channels): the sites that have an image of every channel asked for.
-- key: Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site
-- Brightfield was taken of some sites of a well only: because a sample counts sites, those without
-- would take the places of those with it. every FALSE asks for one of channels.
CREATE OR REPLACE MACRO main.keep_imaged(sites, channels, every := TRUE) AS TABLE -- noqa: LT01
SELECT *
FROM query_table(sites)
WHERE
    CASE
        WHEN every THEN list_has_all(image_channels::VARCHAR[], channels::VARCHAR[])
        ELSE list_has_any(image_channels::VARCHAR[], channels::VARCHAR[])
    END;

COMMENT ON MACRO TABLE main.keep_imaged IS -- noqa: PRS
'The sites that have an image of every channel asked for';
