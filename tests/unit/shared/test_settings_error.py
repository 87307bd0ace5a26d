"""A wrong setting in one line."""

import pytest
from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator

from shared.settings_error import settings_error_line


class Settings(BaseModel):
    port: int = Field(le=65535, description="where to listen, such as 8000")
    password: SecretStr = Field(description="the key")

    @field_validator("password")
    @classmethod
    def _long_enough(cls, password: SecretStr) -> SecretStr:
        if len(password.get_secret_value()) < 8:
            raise ValueError("is too short.")
        return password


def line_for(**values: object) -> str:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate(values)
    return settings_error_line(caught.value, Settings)


def test_the_line_names_variable_problem_and_purpose() -> None:
    line = line_for(port=70000, password="long enough")

    assert line == (
        "Wrong setting: PORT: must be 65535 or less (where to listen, such as 8000). Change it and start again."
    )


def test_the_purpose_is_the_first_line_without_marks_and_the_default_stands_beside_it() -> None:
    class Paced(BaseModel):
        pace_s: float = Field(2.0, description="how long a `pause` lasts:\nand [much more](page.md)")

    with pytest.raises(ValidationError) as caught:
        Paced.model_validate({"pace_s": "soon"})

    assert "PACE_S: must be a number (how long a pause lasts; default 2)." in settings_error_line(caught.value, Paced)


def test_a_missing_variable_is_not_set() -> None:
    assert "PORT: is not set (where to listen, such as 8000)" in line_for(password="long enough")


def test_all_wrong_variables_stand_in_one_line_and_no_value_does() -> None:
    line = line_for(port="x123", password="hunter2")

    assert "PORT: " in line
    assert "PASSWORD: is too short (the key)" in line
    assert "\n" not in line
    assert "hunter2" not in line
    assert "x123" not in line
