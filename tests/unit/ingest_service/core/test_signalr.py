"""Frames and addresses of SignalR."""

from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_service.core.signalr import (
    Broadcast,
    Event,
    FrameError,
    GroupsChanged,
    HubError,
    Init,
    Keepalive,
    Negotiation,
    ReconnectAsked,
    Result,
    StopAsked,
    Unknown,
    connect_url,
    invocation,
    negotiate_url,
    parse_frame,
    parse_negotiation,
    start_url,
    without_token,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("CSGMTDIEAHLPR") | st.text(), inner),
    max_leaves=20,
)


def a_call(method: str, *arguments: object) -> dict[str, object]:
    return {"H": "FcMarketDataV2Hub", "M": method, "A": list(arguments)}


def a_frame(*calls: object, **state: object) -> bytes:
    return orjson.dumps({"C": "d-5A1C20F4-B,0|Qx2,1", **state, "M": list(calls)})


@pytest.mark.parametrize(
    ("frame", "events"),
    [
        ("{}", [Keepalive()]),
        ('{"C":"d-5A1C20F4-B,0|Qx2,0|Qx3,1","S":1,"M":[]}', [Init()]),
        ('{"C":"d-1","G":"Z3JvdXBz","M":[]}', [GroupsChanged()]),
        ('{"I":"0"}', [Result("0", None)]),
        ('{"I":"0","R":null}', [Result("0", None)]),
        ('{"I":"7","E":"There was an error","H":true}', [Result("7", "There was an error")]),
        ('{"C":"d-1","T":1,"M":[]}', [ReconnectAsked()]),
        ('{"D":1}', [StopAsked()]),
        ('{"C":"d-1","M":[]}', []),
        ('{"L":2000}', []),
        ('{"P":{"I":"0","D":1}}', []),
        ('{"Z":1}', [Unknown("frame")]),
    ],
)
def test_each_kind_of_frame_is_told_apart(frame: str, events: list[Event]) -> None:
    assert parse_frame(frame) == events


def test_several_calls_of_different_kinds_in_one_frame_keep_their_order() -> None:
    frame = a_frame(a_call("Broadcast", "one"), a_call("Error", "careful"), a_call("Broadcast", "two"), T=1)

    assert parse_frame(frame) == [Broadcast("one"), HubError("careful"), Broadcast("two"), ReconnectAsked()]


def test_hub_and_method_names_are_compared_without_regard_to_case() -> None:
    frame = b'{"M":[{"H":"fcmarketdatav2hub","M":"broadcast","A":["x"]},{"H":"","M":"ERROR","A":["y"]}]}'

    assert parse_frame(frame) == [Broadcast("x"), HubError("y")]


def test_an_argument_that_is_an_object_becomes_its_json_text() -> None:
    frame = a_frame(a_call("Broadcast", {"DataType": "B", "Content": {"Close": 31500.0}}))

    assert parse_frame(frame) == [Broadcast('{"DataType":"B","Content":{"Close":31500.0}}')]


def test_a_call_that_cannot_be_used_is_named_and_its_neighbours_are_kept() -> None:
    frame = a_frame(a_call("Update", "?"), a_call("Broadcast"), {"M": "Broadcast"}, 5, a_call("Broadcast", "good"))

    assert parse_frame(frame) == [
        Unknown("method"),
        Unknown("arguments"),
        Unknown("arguments"),
        Unknown("frame"),
        Broadcast("good"),
    ]


def test_what_is_nested_without_end_costs_its_own_call_only() -> None:
    deep = "[" * 1000 + "]" * 1000
    frame = '{"M":[{"M":"Broadcast","A":[%s]},{"M":"Broadcast","A":["good"]}],"I":%s,"E":%s}'

    assert parse_frame(frame % (deep, deep, deep)) == [Unknown("arguments"), Broadcast("good"), Result("list", "list")]


@pytest.mark.parametrize("frame", ["", "[]", "5", '{"C":', '{"M":{}}', b"\xff\xfe", '{"M":null}'])
def test_what_is_no_frame_raises_and_says_so(frame: str | bytes) -> None:
    with pytest.raises(FrameError, match=r"not JSON|not an object|not a list"):
        parse_frame(frame)


@given(st.binary() | json_values.map(orjson.dumps))
def test_no_frame_whatever_it_holds_does_worse_than_a_frame_error(frame: bytes) -> None:
    try:
        events = parse_frame(frame)
    except FrameError:
        return

    assert all(isinstance(event.argument, str) for event in events if isinstance(event, Broadcast))


def test_the_connection_token_is_percent_encoded_exactly_once() -> None:
    terms = Negotiation(ConnectionToken="AQ+A/%2B==", ProtocolVersion="1.5")

    for url in (connect_url("https://hub.example/", terms), start_url("https://hub.example", terms)):
        assert "connectionToken=AQ%2BA%2F%252B%3D%3D" in url
        assert parse_qs(urlsplit(url).query)["connectionToken"] == ["AQ+A/%2B=="]


def test_addresses_are_made_from_the_base_with_and_without_a_slash() -> None:
    terms = Negotiation(ConnectionToken="t")

    assert negotiate_url("http://127.0.0.1:1/") == negotiate_url("http://127.0.0.1:1")
    assert connect_url("http://127.0.0.1:1/", terms).startswith("ws://127.0.0.1:1/v2.0/signalr/connect?")
    assert connect_url("https://hub.example", terms).startswith("wss://hub.example/v2.0/signalr/connect?")
    query = parse_qs(urlsplit(negotiate_url("http://127.0.0.1:1")).query)
    assert query == {"clientProtocol": ["1.5"], "connectionData": ['[{"name":"FcMarketDataV2Hub"}]']}


def test_the_protocol_that_the_server_speaks_is_echoed() -> None:
    terms = parse_negotiation('{"ConnectionToken":"t","ProtocolVersion":"1.3"}')

    assert "clientProtocol=1.3" in connect_url("http://127.0.0.1:1", terms)


def test_the_usual_negotiation_is_understood() -> None:
    terms = parse_negotiation(
        '{"Url":"/v2.0/signalr","ConnectionToken":"AQ==","ConnectionId":"5a1c","KeepAliveTimeout":20.0,'
        '"DisconnectTimeout":30.0,"ConnectionTimeout":110.0,"TryWebSockets":true,"ProtocolVersion":"1.5",'
        '"TransportConnectTimeout":5.0,"LongPollDelay":0.0}'
    )

    assert terms.keepalive_timeout_s == 20.0
    assert terms.disconnect_timeout_s == 30.0
    assert terms.connect_timeout_s == 5.0


def test_a_server_without_keepalives_says_so_with_null() -> None:
    assert parse_negotiation('{"ConnectionToken":"t","KeepAliveTimeout":null}').keepalive_timeout_s is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<html>", "JSON"),
        ('{"ConnectionToken":"","Url":"secret"}', "ConnectionToken"),
        ('{"ConnectionToken":"secret","KeepAliveTimeout":-1}', "KeepAliveTimeout"),
        ('{"ConnectionToken":"secret","TryWebSockets":false}', "no websocket"),
    ],
)
def test_a_negotiation_that_is_of_no_use_is_told_without_the_token(text: str, told: str) -> None:
    with pytest.raises(FrameError, match=told) as caught:
        parse_negotiation(text)

    assert "secret" not in str(caught.value)


def test_an_invocation_names_hub_method_argument_and_number() -> None:
    frame = orjson.loads(invocation("SwitchChannels", "X:ALL,MI:ALL", 0))

    assert frame == {"H": "FcMarketDataV2Hub", "M": "SwitchChannels", "A": ["X:ALL,MI:ALL"], "I": 0}


def test_the_token_of_the_subscriptions_is_taken_out_of_what_may_be_kept() -> None:
    frame = b'{"C":"d-1","G":"secret","M":[]}'
    message = b'{"M":[{"H":"F","M":"Broadcast","A":["{\\"G\\":1}"]}]}'

    assert without_token(frame) == b'{"C":"d-1","M":[]}'
    for plain in (b'{ "C": "d-1", "M": [] }', message, b"{", b"{}", b""):
        assert without_token(plain) == plain
    for garbage in (b'{"G":"secret",', b'["G","secret"]', b'"G" secret', b'{"G":' + b"[" * 400 + b"]" * 400 + b"}"):
        assert b"secret" not in without_token(garbage)
