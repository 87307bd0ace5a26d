"""Measurements: they print figures and the machine they come from, and judge nothing."""
