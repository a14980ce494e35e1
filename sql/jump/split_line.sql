-- jump.split_line(line): the values of a line of a CSV file, NULL if its quotes are wrong.
-- A comma inside of quotes separates nothing, and a doubled quote inside of quotes is one quote.
CREATE OR REPLACE MACRO jump.split_line(line) AS (
    CASE
        WHEN NOT contains(line, '"') THEN string_split(line, ',')
        WHEN regexp_full_match(line || ',', '((("[^"]*")+|[^,"]*),)+')
            THEN [
                if(
                    starts_with(one_value, '"'),
                    replace(one_value[2:len(one_value) - 1], '""', '"'),
                    one_value
                )
                FOR one_value IN regexp_extract_all(
                    line || ',', '((?:"[^"]*")+|[^,"]*),', 1
                )
            ]
    END
);

COMMENT ON MACRO jump.split_line IS -- noqa: PRS
'The values of a line of a CSV file, NULL if its quotes are wrong';
