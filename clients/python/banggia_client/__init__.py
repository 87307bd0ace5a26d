"""A client of banggia boards: tables that stay whole and true, over a connection that comes back by itself."""

from .core.change import Change, Row
from .core.frames import Status
from .core.session import Problem
from .errors import NotLoaded, TableFailed
from .feed import Feed, connect
from .table import Table

__all__ = ["Change", "Feed", "NotLoaded", "Problem", "Row", "Status", "Table", "TableFailed", "connect"]
