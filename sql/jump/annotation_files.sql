-- jump.annotation_files: one row per published file that names compounds.
-- key: file
-- The files of JUMP-Target and JUMP-MOA are looked for in the metadata folder; what names compounds
-- there may be missing, because nothing but names depends on it. position says which name comes
-- first. wells_of is the plate type whose wells the platemap describes. Python sets
-- jump_annotations_unread where a file was to be fetched and could not be.
CREATE OR REPLACE TABLE jump.annotation_files (
    file VARCHAR,
    position INTEGER,
    origin VARCHAR,
    platemap VARCHAR,
    wells_of VARCHAR,
    path VARCHAR,
    reason VARCHAR,
    PRIMARY KEY (file)
);

INSERT INTO jump.annotation_files
WITH folder AS (
    -- https has no listing of a folder
    SELECT file AS path
    FROM glob(CASE
        WHEN starts_with(getvariable('jump_metadata_copy'), 'http') THEN []
        ELSE [getvariable('jump_metadata_copy') || '/JUMP-*_compound_*.tsv']
    END)
),

published (file, position, origin, platemap, wells_of) AS (
    VALUES
    (
        'JUMP-Target-2_compound_metadata.tsv', 1, 'JUMP-Target-2',
        'JUMP-Target-2_compound_platemap.tsv', 'TARGET2'
    ),
    (
        'JUMP-Target-1_compound_metadata.tsv', 2, 'JUMP-Target-1',
        'JUMP-Target-1_compound_platemap.tsv', 'TARGET1'
    ),
    ('JUMP-MOA_compound_metadata.tsv', 3, 'JUMP-MOA', NULL, NULL)
),

unread AS (
    SELECT
        problem.file,
        problem.reason
    FROM
        unnest(getvariable('jump_annotations_unread')::STRUCT(file VARCHAR, reason VARCHAR)[])
            AS problems (problem)
)

SELECT
    published.file,
    published.position,
    published.origin,
    maps.path AS platemap,
    if(maps.path IS NULL, NULL, published.wells_of) AS wells_of,
    folder.path,
    (
        SELECT string_agg(unread.reason, '; ' ORDER BY unread.reason) FROM unread
        WHERE unread.file IN (published.file, published.platemap)
    ) AS reason
FROM published
LEFT JOIN folder ON published.file = parse_filename(folder.path)
LEFT JOIN folder AS maps ON published.platemap = parse_filename(maps.path);

COMMENT ON TABLE jump.annotation_files IS 'One row per published file that names compounds';
COMMENT ON COLUMN jump.annotation_files.file IS 'Its name in the metadata folder';
COMMENT ON COLUMN jump.annotation_files.position IS 'Place of its names among those of the others';
COMMENT ON COLUMN jump.annotation_files.origin IS 'The set of compounds that it describes';
COMMENT ON COLUMN jump.annotation_files.platemap IS
'File that says which of them is in which well, NULL if none was read';
COMMENT ON COLUMN jump.annotation_files.wells_of IS
'Type of the plates that the platemap describes';
COMMENT ON COLUMN jump.annotation_files.path IS 'File that was read, NULL if none was';
COMMENT ON COLUMN jump.annotation_files.reason IS
'Why it or its platemap could not be had, NULL if that was not tried';
