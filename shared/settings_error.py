"""A wrong setting, told in one line: which variable, what is wrong, what it is for, and its default."""

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from shared.setting import default_of, purpose_of

#: Pydantic's types of errors, in words for who has never heard of it.
_PROBLEMS = {
    "missing": "is not set",
    "bool": "must be True or False",
    "int": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float": "must be a number",
    "finite_number": "must be a number",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "too_short": "is too short",
    "string_too_short": "is too short",
    "string_pattern_mismatch": "has a character that it must not have",
}


def settings_error_line(error: ValidationError, settings: type[BaseModel]) -> str:
    """
    The line for who started the program. Values are not repeated: one of them may be a secret.

    Field names are the variables' names in lower case; their descriptions tell what to set (`shared.setting`).
    """
    complaints: dict[str, str] = {}  # the first one of each setting; the others follow from it
    for detail in error.errors(include_input=False, include_url=False):
        if not detail["loc"]:  # settings that do not fit together: the sentence names them
            complaints.setdefault("", _told(detail))
            continue
        name = str(detail["loc"][0])
        field = settings.model_fields.get(name)
        purpose = _purpose(field) if field is not None and field.description else ""
        complaints.setdefault(name, f"{name.upper()}: {_place(detail)}{_problem(detail)}{purpose}")
    return f"Wrong setting: {'; '.join(complaints.values())}. Change it and start again."


def _purpose(field: FieldInfo) -> str:
    """What it is for, and what it is if it is not set."""
    default = default_of(field)
    return f" ({purpose_of(field)}; default {default})" if default else f" ({purpose_of(field)})"


def _place(detail: ErrorDetails) -> str:
    """Where in a list it is."""
    match detail["loc"]:
        case (_, int(index), *_):
            return f"entry {index + 1} "
        case (_, _, "[key]"):
            return "each name "
        case (_, _, *_):
            return "each value "
    return ""


def _problem(detail: ErrorDetails) -> str:
    """What is wrong, and what would be right."""
    problem = _PROBLEMS.get(detail["type"].removesuffix("_type").removesuffix("_parsing"))
    return _told(detail) if problem is None else problem.format_map(detail.get("ctx", {})).replace("'", "")


def _told(detail: ErrorDetails) -> str:
    """A sentence of ours, or of pydantic's, as the middle of the line."""
    text = detail["msg"].removeprefix("Value error, ").rstrip(".")
    is_name = text[:2].isupper()  # JWT_SECRET is no beginning of a sentence
    return text if is_name else text[:1].lower() + text[1:]
