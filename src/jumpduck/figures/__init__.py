"""Pictures of what was downloaded."""
