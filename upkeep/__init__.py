"""What whoever runs the services asks in a terminal: what is wrong, how is it set, a token, please."""
