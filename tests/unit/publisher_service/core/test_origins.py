"""Which pages may connect."""

import pytest

from publisher_service.core.origins import Origins

SAME = Origins()


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://board.example", "board.example"),
        ("https://board.example", "board.example"),  # the balancer ends TLS
        ("http://localhost:8080", "localhost:8080"),
        ("https://board.example", "board.example:443"),
        ("HTTP://Board.Example", "board.example"),
        ("http://[::1]:8080", "[::1]:8080"),
    ],
)
def test_the_page_that_we_served_may_connect(origin: str, host: str) -> None:
    assert SAME.allows(origin, host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://evil.example", "board.example"),
        ("http://board.example.evil.example", "board.example"),
        ("http://board.example:8081", "board.example:8080"),
        ("http://board.example", "board.example:8080"),
        ("https://board.example", "board.example:80"),
        ("null", "board.example"),
        ("null", ""),
        ("", "board.example"),
        ("file://", ""),
        ("http://board.example:99999", "board.example"),
        ("http://[", "board.example"),
        ("http://board.example", "["),
    ],
)
def test_any_other_page_may_not(origin: str, host: str) -> None:
    assert not SAME.allows(origin, host)


def test_a_page_in_the_list_may_connect_from_where_it_is() -> None:
    origins = Origins.parse(("https://Portal.example", "http://localhost:3000"))

    assert origins.allows("https://portal.example", "board.example")
    assert origins.allows("http://localhost:3000", "board.example")
    assert not origins.allows("http://portal.example", "board.example")
    assert not origins.allows("https://portal.example:8443", "board.example")


def test_a_default_port_in_the_list_is_what_browsers_leave_out() -> None:
    assert Origins.parse(("https://portal.example:443",)).allows("https://portal.example", "board.example")


def test_a_star_lets_all_pages_in() -> None:
    assert Origins.parse(("*",)).allows("null", "board.example")


def test_a_refusal_names_the_page_and_the_setting() -> None:
    assert SAME.refusal("http://evil.example") == (
        "pages of the origin http://evil.example may not connect; add it to ALLOWED_ORIGINS to let them"
    )


@pytest.mark.parametrize(
    "entry", ["board.example", "https://board.example/", "https://a.example/b", "ftp://a", "https://", "https://a:b"]
)
def test_what_is_no_origin_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="origins such as"):
        Origins.parse((entry,))
