"""The stages: each reads tables and writes one. None imports another."""
