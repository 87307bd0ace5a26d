"""What the terminal commands show, without terminals."""
