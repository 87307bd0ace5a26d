"""Addresses as they may be shown."""

import re
from urllib.parse import urlsplit

#: What stands before the host: a name, a password, or both.
_PASSWORD = re.compile(r"^(\w+://)[^/?#]*@")
#: What stands in the query may be a password as well, such as `?password=` of a Redis.
_QUERY_VALUE = re.compile(r"(?<=[?&])([^=&#]+)=[^&#]*")


def without_secrets(address: str) -> str:
    """The same, with stars where secrets may stand; what is no address stays as it is."""
    return _QUERY_VALUE.sub(r"\1=***", _PASSWORD.sub(r"\1***@", address)) if "://" in address else address


def host_of(address: str) -> str:
    """Host, and port if one is named."""
    return urlsplit(address).netloc.rpartition("@")[2]
