"""Numbers on a command line."""

import argparse


class number:  # noqa: N801 (it is used like a type: int, float, number(…))
    """A number from least to most, for argparse, which says what was given otherwise."""

    def __init__(self, kind: type[int] | type[float], least: float, most: float) -> None:
        self._kind, self._least, self._most = kind, least, most

    def __call__(self, text: str) -> float:
        try:
            value = self._kind(text)
        except ValueError:
            value = self._kind(-1)
        if not self._least <= value <= self._most:
            raise argparse.ArgumentTypeError(f"{text} is no number from {self._least:g} to {self._most:g}")
        return value
