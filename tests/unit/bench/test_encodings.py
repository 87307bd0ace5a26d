"""Other encodings tell the same."""

from bench.centrifugo import Recorded
from bench.encodings import Told, cells, fields, sizes, updates

RECORDED = Recorded(
    {"SSI": b'{"last":1,"bids":[[10,5],[9,5]],"volumes":{"buy":1,"sell":2}}'},
    [{"SSI": b'{"last":1,"bids":[[10,4],[9,5]],"volumes":{"buy":1,"sell":3}}'}, {"SSI": b'{"last":2,"bids":[]}'}],
)


def test_an_update_is_told_against_what_was_held() -> None:
    first, second = updates(RECORDED)

    assert first["SSI"].before["last"] == 1
    assert second["SSI"].before == first["SSI"].after


def test_fields_are_whole_and_cells_are_only_what_is_different_inside() -> None:
    told = next(updates(RECORDED))["SSI"]

    assert fields(told) == {"bids": [[10, 4], [9, 5]], "volumes": {"buy": 1, "sell": 3}}
    assert cells(told.before, told.after) == {"bids": {"0": {"1": 4}}, "volumes": {"sell": 3}}


def test_a_list_of_another_length_is_told_whole() -> None:
    assert cells([[10, 4]], []) == []
    assert cells(Told({}, {}).before, {"last": 1}) == {"last": 1}


def test_fewer_words_take_fewer_bytes() -> None:
    found = sizes(RECORDED, len)

    assert found["changed cells, only revisions in the head"] < found["of all fields the changed cells"]
    assert found["numbers for names of fields"] < found["as now"]
