"""The terminal commands as people run them."""
