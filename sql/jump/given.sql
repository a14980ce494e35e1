-- jump.given(value): a value of load_data, NULL where programs write that there is none.
-- Tables that went through pandas or R have words such as nan where a value was missing: they are
-- neither a URL nor a name of a file.
-- A list and no IN, of which DuckDB makes a join for each column.
CREATE OR REPLACE MACRO jump.given(value) AS (
    CASE
        WHEN
            len(value::VARCHAR) > 4 OR NOT list_contains(
                ['', 'nan', 'NaN', 'NA', 'N/A', '<NA>', 'None', 'null', 'NULL'], value::VARCHAR
            )
            THEN value::VARCHAR
    END
);

COMMENT ON MACRO jump.given IS -- noqa: PRS
'A value of load_data, NULL where programs write that there is none';
