"""Running the files of ``sql/`` and opening the catalog that they make."""
