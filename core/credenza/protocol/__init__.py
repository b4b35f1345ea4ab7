"""The RFCs as pure code: no framework, no database, no network."""
