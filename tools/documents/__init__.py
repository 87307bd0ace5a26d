"""What is made from the code: pages, parts of pages, and types. `python3 run.py docs` writes it."""
