"""From the rows of a manifest to verified files and a results table."""
