"""What was meant instead."""

import difflib
import re
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean SSI?`, or nothing. Upper and lower case do not matter."""
    by_lower = {each.lower(): each for each in known}
    # Two letters in the wrong order are the commonest slip, and not what difflib thinks near.
    near = [each for each in by_lower if sorted(each) == sorted(word.lower())]
    near = near or difflib.get_close_matches(word.lower(), by_lower, n=1)
    return f" Did you mean {by_lower[near[0]]}?" if near else ""


def names_in(sentence: str) -> list[str]:
    """The words of an error that lists what there is."""
    return re.findall(r"[a-z][a-z_]+", sentence)
