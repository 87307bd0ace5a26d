"""The rules of fan-out: replica, views, throttle, frames, status. Pure, and given its time."""
