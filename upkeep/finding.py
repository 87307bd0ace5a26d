"""What a check found: a plain sentence, and what to do about it."""

from typing import Literal, NamedTuple

Level = Literal["ok", "note", "wrong"]


class Finding(NamedTuple):
    """One line of the doctor's report."""

    level: Level  # note: works, but look at it
    subject: str
    text: str
    next_step: str = ""  # empty: nothing to do


def ok(subject: str, text: str) -> Finding:
    """All is as it should be."""
    return Finding("ok", subject, text)


def note(subject: str, text: str, next_step: str) -> Finding:
    """It works, and somebody may want to know."""
    return Finding("note", subject, text, next_step)


def wrong(subject: str, text: str, next_step: str) -> Finding:
    """Clients feel it, or will."""
    return Finding("wrong", subject, text, next_step)
