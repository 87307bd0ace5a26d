"""Clients in other languages: run by `run.py test --clients` only, since they need Node."""
