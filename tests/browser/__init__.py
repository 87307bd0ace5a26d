"""The board in a real browser: `python3 run.py test --browser`."""
