"""Small programs that use a running board."""
