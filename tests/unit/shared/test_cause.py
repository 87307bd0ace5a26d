"""Why something of the network failed, in few words, and without secrets."""

import errno

import pytest
from redis import exceptions

from shared.cause import MOST_CHARACTERS, cause_of


def test_the_words_of_the_system_or_of_the_server_are_told_whatever_is_around_them() -> None:
    around = exceptions.ConnectionError("Error 111 connecting to redis://:hunter2@somewhere")
    around.__cause__ = OSError(errno.ECONNREFUSED, "Connect call failed ('10.0.0.1', 6379)")

    assert cause_of(around) == "Connection refused"
    assert cause_of(exceptions.AuthenticationError("WRONGPASS invalid password")) == "WRONGPASS invalid password"
    assert cause_of(TimeoutError()) == "no answer in time"


def test_what_a_library_or_a_long_answer_says_is_not_repeated() -> None:
    assert cause_of(exceptions.ConnectionError("redis://:hunter2@somewhere")) == "ConnectionError"
    assert len(cause_of(exceptions.ResponseError("x" * 1000))) == MOST_CHARACTERS


@pytest.mark.parametrize("quote", ["'", "`"])
def test_a_server_that_repeats_the_password_with_a_command_that_it_does_not_know_is_not_repeated(quote: str) -> None:
    told = f"unknown command {quote}AUTH{quote}, with args beginning with: {quote}writer{quote} {quote}hunter2{quote} "

    assert cause_of(exceptions.ResponseError(told)) == f"unknown command {quote}AUTH{quote}"
