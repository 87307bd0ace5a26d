"""The examples, each run against a publisher."""
