"""Reading from buckets, servers and folders; writing files that are complete or absent."""
