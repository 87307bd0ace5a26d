"""A wrong setting, told in one line: which variable, what is wrong, what it is for."""

from pydantic import BaseModel, ValidationError


def settings_error_line(error: ValidationError, settings: type[BaseModel]) -> str:
    """
    The line for who started the program. Values are not repeated: one of them may be a secret.

    Field names are the variables' names in lower case; their descriptions tell what to set.
    """
    complaints: dict[str, str] = {}  # the first one of each setting; the others follow from it
    for detail in error.errors(include_input=False, include_url=False, include_context=False):
        name = str(detail["loc"][0]) if detail["loc"] else ""
        field = settings.model_fields.get(name)
        problem = "is not set" if detail["type"] == "missing" else _problem(detail["msg"])
        purpose = f" ({field.description})" if field is not None and field.description else ""
        complaints.setdefault(name, f"{name.upper() or 'the settings'}: {problem}{purpose}")
    return f"Wrong setting: {'; '.join(complaints.values())}. Change it in the environment and start again."


def _problem(message: str) -> str:
    """Pydantic's sentence, as the middle of ours."""
    text = message.removeprefix("Value error, ").rstrip(".")
    is_name = text[:2].isupper()  # JWT_SECRET is no beginning of a sentence
    return text if is_name else text[:1].lower() + text[1:]
