"""A table as Markdown has it."""

from collections.abc import Iterable


def markdown_table(heads: tuple[str, ...], lines: Iterable[tuple[str, ...]]) -> str:
    """One line for each of the lines; cells hold Markdown, in which a bar would begin another cell."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, ("---",) * len(heads), *lines))
