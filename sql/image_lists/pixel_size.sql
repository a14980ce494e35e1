-- main.pixel_size(text): the edge of a pixel in micrometres, NULL if no pixel has such an edge.
CREATE OR REPLACE MACRO main.pixel_size(text) AS CASE
    WHEN isfinite(try_cast(text AS DOUBLE)) AND try_cast(text AS DOUBLE) > 0
        THEN try_cast(text AS DOUBLE)
END;

COMMENT ON MACRO main.pixel_size IS -- noqa: PRS
'The edge of a pixel in micrometres, NULL if no pixel has such an edge';
