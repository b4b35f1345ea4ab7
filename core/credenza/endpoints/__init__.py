"""HTTP in, HTTP out: one file per endpoint in the metadata document."""
