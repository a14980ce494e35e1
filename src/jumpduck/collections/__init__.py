"""Where the tables of each collection come from."""
