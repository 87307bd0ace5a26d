"""What a person does in a terminal: look at the tables, ask what is wrong, see the settings, make a token."""
