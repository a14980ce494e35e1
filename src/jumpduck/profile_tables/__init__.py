"""Tables of profiles: read, checked, told into features and metadata, written."""
