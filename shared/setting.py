"""
One setting in words: what it is for, and its default.

The first line of a setting's description says what it is for, and is told to who got it wrong. What follows is for the
page of settings only. Both may have `code` in them, as Markdown has it.
"""

from pydantic.fields import FieldInfo


def purpose_of(field: FieldInfo) -> str:
    """In one line, without marks; empty: nothing is said of it."""
    return (field.description or "").partition("\n")[0].rstrip(".,;:").replace("`", "")


def default_of(field: FieldInfo) -> str:
    """As one would write it into the environment; empty: there is none, or it stands for nothing."""
    default = field.default
    if field.is_required() or default in (None, {}, ()):
        return ""
    if isinstance(default, tuple):
        return ",".join(map(str, default))
    return f"{default:g}" if isinstance(default, float) else str(default)
