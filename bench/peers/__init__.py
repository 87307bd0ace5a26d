"""Who is compared with: how each is installed, started and subscribed to."""
