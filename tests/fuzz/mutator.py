"""Inputs that are nearly right, or not at all: JSON with a few things changed, texts with a few characters changed."""

import copy
import json
import random
from collections.abc import Sequence
from typing import Any

#: Stand-ins for what the encoder would not write; replaced in the text.
_DEEP, _HUGE, _ODD_NUMBER = "<deep>", "<huge>", "<odd number>"
#: What stands in the place of anything, sooner or later.
ODD_VALUES: Sequence[Any] = (
    *(None, True, False, [], {}, [[]], [None], {"": None}, {"keys": [1]}, [0, 1], ["SSI", None]),
    *(0, 1, -1, 7, 2**31, 2**53 - 1, 2**53, 2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 10**30),
    *(0.0, -0.0, 0.1, -0.5, 1e-7, 1.5, 1e15, 1e16, 9e15, 1e22, 1e308, -1e308, 5e-324),
    *(float("nan"), float("inf"), float("-inf")),
    *("", " ", "\0", "\n", "\ud800", "\udfffx", "é", "Ế", "\U0001f600", "\uffff", "\u2028", "\u0663", "\u00b2"),
    *("NaN", "Infinity", "-inf", "1e5", "1e999", "1_0", " 12 ", "-5", "0x10", "null", "[]", "{}", "true"),
    *("@", "#", "@VN30", "SSI#1", "_total", ",", ".", "..", "%00", "a.1.b", "commit", "market"),
    *("x" * 17, "x" * 65, "x" * 300, "9" * 30, "9" * 5000),
    *("00/00/0000", "1/1/99999999999", "31/12/9999", "29/02/2026", "17/11/2026", "15/11/2026", "25:61:61", "09:15:00"),
    *(_DEEP, _HUGE, _ODD_NUMBER),
)
_ODD_TEXTS = ("\0", '"', "{", "}", "[", "]", ",", ":", "\\", "\\ud800", "\ud800", "1e999", "NaN", "-", "0", "9" * 400)


class Mutator:
    """Everything it makes follows from the seed of its randomness."""

    def __init__(self, source: random.Random) -> None:
        self.random = source
        self.last = ""  # text that was made

    def chance(self, share: float) -> bool:
        """True in this share of the cases."""
        return self.random.random() < share

    def text(self, value: Any) -> str:
        """JSON text like that of a valid value, or no JSON at all."""
        dice = self.random.random()
        text = self.noise() if dice < 0.03 else self.encoded(self.value(value))
        if dice > 0.97 and value and text.startswith("{"):
            key = self.random.choice(list(value))
            text = "{" + json.dumps(key) + ":" + self.encoded(self.odd()) + "," + text[1:]  # a key that comes twice
        self.last = text = self.scratched(text) if dice < 0.2 else text
        return text

    def value(self, value: Any) -> Any:
        """A copy of a valid value with up to three things changed."""
        changed = [json.loads(json.dumps(value))]
        for _ in range(self.random.randrange(4)):
            self._change(*self._place(changed))
        return changed[0]

    def encoded(self, value: Any) -> str:
        """Its text: with NaN, half characters and numbers of any size, as programs that do not care write them."""
        text = json.dumps(value)
        if "<" in text:
            depth = self.random.choice((3, 200, 300, 1000, 1020, 5000))
            opening, closing = self.random.choice((("[", "]"), ('{"a":', "}")))
            text = text.replace(f'"{_DEEP}"', opening * depth + "1" + closing * depth)
            text = text.replace(f'"{_HUGE}"', self.random.choice(("9" * 400, "-" + "9" * 5000, "1" + "0" * 4000)))
            number = self.random.choice(("1e400", "-1e400", "1E+5", "-0", "-0.0e-9", "01", "1."))
            text = text.replace(f'"{_ODD_NUMBER}"', number)
        return text

    def scratched(self, text: str) -> str:
        """With some characters lost, repeated or put in."""
        start = self.random.randrange(len(text) + 1)
        end = min(len(text), start + self.random.choice((0, 1, 1, 2, 5, 40)))
        kinds = ("", self.random.choice(_ODD_TEXTS), text[start:end] * 2, text[start:end].swapcase())
        return text[:start] + self.random.choice(kinds) + text[end:]

    def noise(self) -> str:
        """Text without any form."""
        alphabet = self.random.choice(('{}[]":,0 ', "\0\x7f\ud800\uffff", "abcXYZ#@._-", "0123456789eE+-."))
        return "".join(self.random.choices(alphabet, k=self.random.choice((0, 1, 5, 60))))

    def odd(self) -> Any:
        """Something unexpected."""
        value = self.random.choice(ODD_VALUES)
        return copy.deepcopy(value) if isinstance(value, list | dict) else value

    def _place(self, holder: Any) -> tuple[Any, Any]:
        """A container and a key or an index in it, at any depth."""
        key: Any = 0
        while True:
            inner = holder[key]
            if not isinstance(inner, dict | list) or not inner or self.chance(0.15):
                return holder, key
            holder, key = inner, self.random.choice(list(inner)) if isinstance(inner, dict) else self._index(inner)

    def _index(self, items: list[Any]) -> int:
        return self.random.randrange(len(items))

    def _change(self, holder: Any, key: Any) -> None:
        dice = self.random.random()
        if dice < 0.6:
            holder[key] = self.odd()
        elif dice < 0.7:
            holder[key] = [holder[key]]
        elif dice < 0.75:
            holder[key] = json.dumps(holder[key])
        elif isinstance(holder, dict):
            if dice < 0.85:
                del holder[key]
            elif dice < 0.95:
                holder[self.random.choice((str(key).swapcase(), str(key) + "\0", str(key)[:-1]))] = holder.pop(key)
            else:
                holder[str(self.odd())] = self.odd()
        elif len(holder) > 1 or dice < 0.85:
            holder.insert(key, self.odd())
