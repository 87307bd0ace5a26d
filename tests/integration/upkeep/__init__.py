"""The commands for who runs the services, against real servers."""
