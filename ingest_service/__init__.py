"""The ingest: the feed of the exchange becomes tables, and the tables go to Redis."""
