"""
Servers to compare with, each as small as its library allows: every message of a Redis channel goes to all clients, and
a new client gets the latest one first. They listen once they are subscribed.
"""
