-- idr.dose(text): the number of a dose and its unit, NULL if it is not exactly these.
-- '30 micromolar' is 30.0 and 'micromolar'. '1,000 nanomolar', '0,5 micromolar' and '1-10
-- micromolar' are NULL, because a part of such a text would be another dose.
CREATE OR REPLACE MACRO idr.dose(text) AS (
    CASE
        WHEN
            regexp_full_match(
                trim(text),
                '([0-9]{1,15}([.][0-9]*)?|[.][0-9]+)([eE][-+]?[0-9]{1,2})?\s*([A-Za-zµμ%][^0-9]*)?'
            )
            THEN {
                'value': regexp_extract(
                    trim(text), '^[0-9.]+([eE][-+]?[0-9]{1,2})?'
                )::DOUBLE,
                'unit': nullif(
                    regexp_extract(
                        trim(text), '^[0-9.]+(?:[eE][-+]?[0-9]{1,2})?\s*(.*)$', 1
                    ), ''
                )
            }
    END
);

COMMENT ON MACRO idr.dose IS -- noqa: PRS
'The number of a dose and its unit, NULL if it is not exactly these';
