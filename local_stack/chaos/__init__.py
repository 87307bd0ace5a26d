"""The demo's stack under random faults, and clients that believe nothing."""
