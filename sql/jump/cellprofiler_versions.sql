-- jump.cellprofiler_versions: one row per source and the CellProfiler that measured its plates.
-- key: Metadata_Source
CREATE OR REPLACE TABLE jump.cellprofiler_versions (
    Metadata_Source VARCHAR,
    Metadata_CellProfiler_Version VARCHAR,
    PRIMARY KEY (Metadata_Source)
);

INSERT INTO jump.cellprofiler_versions
SELECT
    Metadata_Source,
    Metadata_CellProfiler_Version
FROM read_csv(
    getvariable('jump_metadata_copy') || '/cellprofiler_version.csv',
    header = TRUE, all_varchar = TRUE, comment = '', skip = 0
);

COMMENT ON TABLE jump.cellprofiler_versions IS
'One row per source and the CellProfiler that measured its plates';
COMMENT ON COLUMN jump.cellprofiler_versions.Metadata_Source IS 'Laboratory that made the plate';
COMMENT ON COLUMN jump.cellprofiler_versions.Metadata_CellProfiler_Version IS
'Version of CellProfiler';
