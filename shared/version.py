"""Which version this is: the one place that says so. The package takes it from here."""

VERSION = "0.1.0"
