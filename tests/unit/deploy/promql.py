"""What a PromQL expression speaks of: its metrics, the labels it selects and groups by. Nothing is evaluated."""

import re
from collections.abc import Mapping
from typing import NamedTuple

_TEXT = r'"(?:[^"\\]|\\.)*"'
_TOKEN = re.compile(
    rf"""
      \b(?P<clause>by|without|on|ignoring|group_left|group_right)\s*\((?P<labels>[^)]*)\)
    | (?P<word>[A-Za-z_:][\w:]*)(?P<call>(?=\s*(?:\(|by\b|without\b)))?(?P<matchers>\s*\{{(?:[^{{}}"]|{_TEXT})*\}})?
    | \[[^\]]*\] | {_TEXT} | \d[\w.]*  # passed over: ranges, texts, numbers
    """,
    re.VERBOSE,
)
_MATCHER = re.compile(rf"(\w+)\s*(?:=~|!~|!=|=)\s*({_TEXT})")
_NAMELESS_SELECTOR = re.compile(r"(?<![\w:\s])\s*\{")
_OPERATORS = frozenset({"and", "or", "unless", "bool", "offset", "inf", "nan"})
_AGGREGATIONS = frozenset({"sum", "min", "max", "avg", "count", "group", "topk", "bottomk", "quantile", "stddev"})

#: Metric → the labels that its series carry.
Series = Mapping[str, frozenset[str]]


class Selector(NamedTuple):
    """One metric in an expression."""

    metric: str
    matchers: dict[str, str]  # label → what it is compared with


class Query(NamedTuple):
    """One expression."""

    selectors: tuple[Selector, ...]
    named: frozenset[str]  # labels in by, on, and the like
    kept: frozenset[str] | None  # labels that aggregations keep; None if there is none


def read(expression: str) -> Query:
    """Take an expression apart. Raises ValueError if a selector does not name its metric."""
    if _NAMELESS_SELECTOR.search(re.sub(_TEXT, '""', expression)):
        raise ValueError("a selector must name its metric")
    selectors: list[Selector] = []
    named: set[str] = set()
    kept: set[str] = set()
    aggregates = False
    for token in _TOKEN.finditer(expression):
        word = token["word"]
        if token["clause"]:
            labels = {label.strip() for label in token["labels"].split(",") if label.strip()}
            named |= labels
            if token["clause"] == "by":
                kept |= labels
        elif word and token["call"] is not None:
            aggregates |= word in _AGGREGATIONS
        elif word and word not in _OPERATORS:
            matchers = {label: text[1:-1] for label, text in _MATCHER.findall(token["matchers"] or "")}
            selectors.append(Selector(word, matchers))
    return Query(tuple(selectors), frozenset(named), frozenset(kept) if aggregates else None)


def faults(expression: str, shown: frozenset[str], series: Series) -> list[str]:
    """What is wrong with an expression, and with the labels of its result that a text shows."""
    query = read(expression)
    if unknown := [f"no metric {metric}" for metric, _ in query.selectors if metric not in series]:
        return unknown
    there = frozenset[str]().union(*(series[metric] for metric, _ in query.selectors))
    left = there if query.kept is None else query.kept
    return [
        *(
            f"{metric} has no label {label}"
            for metric, matchers in query.selectors
            for label in sorted(matchers.keys() - series[metric])
        ),
        *(f"nothing has a label {label}" for label in sorted(query.named - there)),
        *(f"the result has no label {label}" for label in sorted(shown - left)),
    ]
