"""What goes through Centrifugo is what our client was told."""

import orjson

from bench.centrifugo import Layout, Recorded, publications

RECORDED = Recorded({"SSI": b'{"last":1}', "FPT": b'{"last":5}'}, [{"SSI": b'{"last":2}'}])


def test_a_channel_for_each_symbol_gets_the_rows_that_changed() -> None:
    assert list(publications(RECORDED, Layout.SYMBOL)) == [
        [("SSI", b'{"last":1}'), ("FPT", b'{"last":5}')],
        [("SSI", b'{"last":2}')],
    ]


def test_a_channel_of_the_table_gets_the_whole_table_each_time() -> None:
    told = [orjson.loads(data) for update in publications(RECORDED, Layout.TABLE) for _, data in update]

    assert told == [{"SSI": {"last": 1}, "FPT": {"last": 5}}, {"SSI": {"last": 2}, "FPT": {"last": 5}}]
