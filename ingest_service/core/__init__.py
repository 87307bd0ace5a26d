"""All knowledge of the exchange and its feed, pure: no event loop, clock, socket or log."""
