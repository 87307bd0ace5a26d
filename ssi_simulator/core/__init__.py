"""The simulated market itself: pure, deterministic by seed, with time as an argument."""
