-- main.well_name(text): the name of a well as A01, NULL if the text does not name one.
-- Either letters and a number, as a1 or AF048, or row and column with a colon, as 1:1 or b:03.
CREATE OR REPLACE MACRO main.well_name(name) AS (
    CASE
        WHEN regexp_full_match(trim(name), '[A-Za-z]{1,2}0*[1-9][0-9]?')
            THEN
                upper(regexp_extract(name, '[A-Za-z]+'))
                || lpad(regexp_extract(name, '0*([1-9][0-9]?)\s*$', 1), 2, '0')
        WHEN regexp_full_match(name, '[A-Za-z]{1,2}:0*[1-9][0-9]?')
            THEN
                upper(split_part(name, ':', 1))
                || lpad(ltrim(split_part(name, ':', 2), '0'), 2, '0')
        WHEN regexp_full_match(name, '0*[1-9][0-9]?:0*[1-9][0-9]?')
            THEN
                CASE
                    WHEN split_part(name, ':', 1)::INTEGER > 26
                        THEN chr(64 + (split_part(name, ':', 1)::INTEGER - 1) // 26)
                    ELSE ''
                END
                || chr(65 + (split_part(name, ':', 1)::INTEGER - 1) % 26)
                || lpad(ltrim(split_part(name, ':', 2), '0'), 2, '0')
    END
);

COMMENT ON MACRO main.well_name IS -- noqa: PRS
'The name of a well as A01, NULL if the text does not name one';
