"""A stand-in for SSI FastConnect Data v2: token, REST and stream of an invented market, with faults on demand."""
