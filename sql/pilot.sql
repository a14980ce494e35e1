-- The JUMP pilots (cpg0000-jump-pilot), as a lab adds its own project: platemaps in, the published
-- metadata tables out. The folder platemaps holds cpjump1_experiment-metadata.tsv and, of compounds,
-- CRISPRs and ORFs, JUMP-Target-1_*_platemap.tsv and JUMP-Target-1_*_metadata.tsv. Run from the folder that holds sql/, then build the catalog from them:
--   duckdb -c "SET VARIABLE pilot_platemaps = 'platemaps'; SET VARIABLE pilot_metadata = 'metadata'" \
--     -c '.read sql/pilot.sql'
--   jumpduck catalog --project cpg0000-jump-pilot --metadata metadata
.read sql/pilot/plates.sql
.read sql/pilot/compounds.sql
.read sql/pilot/genes.sql
.read sql/pilot/controls.sql
.read sql/pilot/wells.sql
.read sql/pilot/metadata.sql
