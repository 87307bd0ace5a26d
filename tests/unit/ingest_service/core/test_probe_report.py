"""What a probe says about what it saw."""

import orjson

from ingest_service.core.probe_report import Tally, comma_line, message_lines, replacement_line


def a_message(data_type: str = "X", **content: object) -> str:
    row = {"Symbol": "SSI", "TradingDate": "16/11/2026", "Time": "10:42:17", "TradingSession": "LO"} | content
    return orjson.dumps({"DataType": data_type, "Content": orjson.dumps(row).decode()}).decode()


def a_tally(length_s: float = 20.0, **late: int) -> Tally:
    """So many messages of each type, all after the snapshot's time."""
    tally = Tally()
    for data_type, count in late.items():
        for _ in range(count):
            tally.add(a_message(data_type, IndexId="VN30"), 10.0)
    tally.length_s = length_s
    return tally


def test_types_symbols_and_sessions_are_counted() -> None:
    tally = Tally()

    tally.add(a_message(Symbol="SSI"), 5.0)
    tally.add(a_message(Symbol="VNM", TradingSession="ATO"), 5.0)
    tally.add(a_message("MI", IndexId="VN30", TradingSession=None), 5.0)

    assert tally.types == {"X": 2, "MI": 1}
    assert tally.keys == {"X": {"SSI", "VNM"}, "MI": {"VN30"}}
    assert tally.sessions == {"LO": 1, "ATO": 1}


def test_what_the_ingest_would_drop_or_tolerate_is_counted_by_its_name() -> None:
    tally = Tally()

    tally.add("garbage", 0.0)
    tally.add(a_message("NEWS"), 0.0)
    tally.add('{"datatype":"R","content":{"Symbol":"SSI","TradingDate":"16/11/2026","Time":"10:42:17"}}', 0.0)

    assert tally.types == {"?": 1, "NEWS": 1, "R": 1}
    assert tally.odd["? dropped: json"] == 1
    assert tally.odd["NEWS dropped: unknown_type"] == 1
    assert tally.odd["R key_case"] == 1
    assert tally.odd["R content_object"] == 1


def test_a_burst_at_the_beginning_is_told_as_a_snapshot() -> None:
    tally = a_tally(X=20)
    for _ in range(100):
        tally.add(a_message(), 0.5)

    (types, snapshot, sessions, oddities) = message_lines(tally)

    assert types.split() == ["X", "120", "6.0/s", "1", "keys"]
    assert snapshot == "snapshot    yes: 100 messages in the first 3 s, 1.2/s afterwards"
    assert sessions == "sessions    LO 120"
    assert oddities.startswith("oddities    ")


def test_a_steady_flow_is_no_snapshot() -> None:
    tally = a_tally(X=170)
    for _ in range(30):
        tally.add(a_message(), 0.5)

    assert "snapshot    not seen" in message_lines(tally)[1]


def test_the_comma_list_is_judged_by_what_came() -> None:
    wanted = ["X", "R", "MI"]

    assert "every channel" in comma_line(wanted, a_tally(X=1, R=1, MI=1))
    assert "only X delivered" in comma_line(wanted, a_tally(X=1))
    assert "silent: MI" in comma_line(wanted, a_tally(X=1, R=1))


def test_the_three_ways_of_replacing_are_told_apart() -> None:
    before, silent, lively = a_tally(X=100), a_tally(), a_tally(X=30)

    assert "replaces everything" in replacement_line("X", before, silent, silent)
    assert "the list of the channel it names" in replacement_line("X", before, lively, silent)
    assert "replaces nothing" in replacement_line("X", before, lively, lively)


def test_nothing_is_said_about_replacing_when_hardly_anything_came() -> None:
    assert "cannot be told" in replacement_line("X", a_tally(X=4), a_tally(), a_tally())
