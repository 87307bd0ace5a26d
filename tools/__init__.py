"""What maintainers run now and then; nothing here is part of a service."""
