-- main.printable(text): the beginning of a text that comes from a file, without control characters.
CREATE OR REPLACE MACRO main.printable(value) AS (
    coalesce(regexp_replace(left(value, 60), '\pC', '?', 'g'), 'empty')
);

COMMENT ON MACRO main.printable IS -- noqa: PRS
'The beginning of a text that comes from a file, without control characters';
