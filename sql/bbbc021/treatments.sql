-- bbbc021.treatments: one row per compound, concentration and role, and where it can be seen.
-- key: Metadata_Compound, Metadata_Concentration_Micromolar, Metadata_pert_type
CREATE OR REPLACE VIEW bbbc021.treatments AS
SELECT
    Metadata_Compound,
    Metadata_Concentration_Micromolar,
    Metadata_MoA,
    Metadata_pert_type,
    count(DISTINCT plate_number) AS plates,
    count(DISTINCT plate_number || '/' || Metadata_Well) AS wells,
    count(*) AS sites,
    sum(image_bytes * len(image_channels)) / 1e9 AS estimated_gb
FROM bbbc021.sites
GROUP BY ALL;

COMMENT ON VIEW bbbc021.treatments IS
'One row per compound, concentration and role, and where it can be seen';
COMMENT ON COLUMN bbbc021.treatments.Metadata_Compound IS 'Compound as published';
COMMENT ON COLUMN bbbc021.treatments.Metadata_Concentration_Micromolar IS
'Concentration in micromoles a litre; 0 for DMSO';
COMMENT ON COLUMN bbbc021.treatments.Metadata_MoA IS
'Mechanism of action, NULL where none is published';
COMMENT ON COLUMN bbbc021.treatments.Metadata_pert_type IS
'Role: trt, negcon, poscon or unknown';
COMMENT ON COLUMN bbbc021.treatments.plates IS 'Number of plates';
COMMENT ON COLUMN bbbc021.treatments.wells IS 'Number of wells';
COMMENT ON COLUMN bbbc021.treatments.sites IS 'Number of sites';
COMMENT ON COLUMN bbbc021.treatments.estimated_gb IS 'Gigabytes of its images, an estimate';
