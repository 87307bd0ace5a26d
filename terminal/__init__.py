"""Commands that show a running board in a terminal: its clients, by the Python SDK, that know no more than these."""
