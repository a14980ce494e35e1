"""Running sql files, opening the catalog that they make, and checking a where condition."""
