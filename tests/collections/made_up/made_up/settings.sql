-- made_up.settings: one row: where this catalog was read from.
CREATE SCHEMA IF NOT EXISTS made_up;

CREATE OR REPLACE TABLE made_up.settings AS
SELECT
    getvariable('made_up_gallery')::VARCHAR AS gallery,
    getvariable('made_up_endpoint')::VARCHAR AS endpoint;
