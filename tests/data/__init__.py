"""A day of the simulated market, as a recording, and what the simulator says of it."""
