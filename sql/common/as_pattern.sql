-- main.as_pattern(path): the pattern that this file or folder alone fits.
-- DuckDB takes the path of a file that it is to read for a pattern: with a folder such as w*x it
-- would read the files of a folder wax beside it, too. An address is left as it is.
CREATE OR REPLACE MACRO main.as_pattern(path) AS (
    CASE
        WHEN contains(path, '://') THEN path
        ELSE regexp_replace(path, '([*?\[])', '[\1]', 'g')
    END
);

COMMENT ON MACRO main.as_pattern IS -- noqa: PRS
'The pattern that this file or folder alone fits';
