"""What ingest and publisher must agree on, and nothing else: channels, Redis names, envelopes, the table both keep."""
