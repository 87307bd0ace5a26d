"""What an error of the network comes down to, in a few words for people."""

import os
import re
import ssl

from redis.exceptions import AuthenticationError, ResponseError

#: What a server says of a refusal; a longer text says nothing more.
MOST_CHARACTERS = 200
#: A server repeats the arguments of a command that it does not know: of AUTH, name and password.
_REPEATED = ", with args beginning with"
#: Where a name has several addresses, the event loop tells of all of them in one error without a number.
_OF_SEVERAL = re.compile(r"\[Errno (\d+)\]")


def cause_of(error: BaseException) -> str:
    """
    The system's own words, or the server's; else the kind of the error.

    Never the text that a library has made of it: some hold an address with its query, or a password.
    """
    below: BaseException | None = error
    while below is not None:
        if (words := _words(below)) is not None:
            return words
        below = below.__cause__ or below.__context__
    return type(error).__name__


def _words(error: BaseException) -> str | None:
    words: str | None = None
    match error:
        case ssl.SSLCertVerificationError():
            words = f"its certificate is not accepted: {error.verify_message}"
        case ssl.SSLError():
            words = f"no TLS: {error.reason or type(error).__name__}"
        case TimeoutError():
            words = "no answer in time"
        case OSError(errno=int(number)) if number > 0:
            words = os.strerror(number)
        case OSError(strerror=str(text)):  # a name that nobody knows has a number of its own
            words = text
        case OSError() if (first := _OF_SEVERAL.search(str(error))) is not None:
            words = os.strerror(int(first[1]))
        case ResponseError() | AuthenticationError():
            words = str(error).partition(_REPEATED)[0][:MOST_CHARACTERS]
        case _:
            pass
    return words
