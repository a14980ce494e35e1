-- idr.frames: one row per frame that a movie of so many frames has, or 0 for a still image.
-- key: frames, frame
CREATE OR REPLACE TABLE idr.frames AS
SELECT DISTINCT
    frames,
    unnest(CASE WHEN frames = 0 THEN [0] ELSE range(1, frames + 1) END)::INTEGER AS frame
FROM idr.fields;

COMMENT ON TABLE idr.frames IS
'One row per frame that a movie of so many frames has, or 0 for a still image';
COMMENT ON COLUMN idr.frames.frames IS 'Frames of a movie';
COMMENT ON COLUMN idr.frames.frame IS 'Number of a frame, from 1';
