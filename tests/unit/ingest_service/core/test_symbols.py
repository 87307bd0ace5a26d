"""What an instrument is."""

from ingest_service.core.groups import derived_groups
from ingest_service.core.rows import SymbolRow, row_type
from ingest_service.core.sessions import Calendar
from ingest_service.core.symbols import Listing, exchange_of, symbol_row
from shared.channels import Channel


def a_row(listing: Listing, held: SymbolRow | None = None) -> SymbolRow:
    row = symbol_row(held, listing, exchange_of(listing), Calendar())
    row_type(Channel.SYMBOLS).validate_python(row)
    return row


def test_the_lists_tell_what_an_instrument_is() -> None:
    row = a_row(Listing("SSI", "HOSE", "Chứng khoán Mẫu", "Sample Securities", "ST", "100"))

    assert row == {
        "name_vi": "Chứng khoán Mẫu",
        "name_en": "Sample Securities",
        "exchange": "HOSE",
        "type": "stock",
        "lot_size": 100,
        "ticks": [[0, 10], [10_000, 50], [50_000, 100]],
        "underlying": None,
        "expiry": None,
    }


def test_codes_tell_the_type_until_the_lists_come() -> None:
    types = {
        symbol: a_row(Listing(symbol, exchange))["type"]
        for symbol, exchange in (
            ("SSI", "HOSE"),
            ("CFPT2601", "HOSE"),
            ("FUEVFVND", "HOSE"),
            ("E1VFVN30", "HOSE"),
            ("41I1GC000", "DER"),
            ("VN30F2612", "DERIVATIVES"),
            ("TD2631001", "HNXBOND"),
            ("SOMETHING", "HOSE"),
        )
    }

    assert types == {
        "SSI": "stock",
        "CFPT2601": "warrant",
        "FUEVFVND": "etf",
        "E1VFVN30": "etf",
        "41I1GC000": "future",
        "VN30F2612": "future",
        "TD2631001": "bond",
        "SOMETHING": "other",
    }


def test_a_warrant_has_its_share_and_its_last_day() -> None:
    by_code = a_row(Listing("CFPT2601", "HOSE"))
    by_list = a_row(Listing("CFPT2601", "HOSE", kind="CW", underlying="FPT", last_trading_date="15/01/2027"), by_code)

    assert (by_code["underlying"], by_code["expiry"]) == ("FPT", None)
    assert (by_list["underlying"], by_list["expiry"], by_list["ticks"]) == ("FPT", "2027-01-15", [[0, 10]])


def test_a_future_has_its_index_its_last_day_and_a_lot_of_one() -> None:
    row = a_row(Listing("41I1GC000", "DER"))

    assert (row["exchange"], row["underlying"], row["expiry"]) == ("DERIVATIVES", "VN30", "2026-12-17")
    assert (row["lot_size"], row["ticks"]) == (1, [[0, 0.1]])


def test_price_steps_differ_by_exchange() -> None:
    assert a_row(Listing("SHS", "HNX"))["ticks"] == [[0, 100]]
    assert a_row(Listing("BSR", "UPCOM"))["ticks"] == [[0, 100]]


def test_what_a_later_list_leaves_open_is_kept() -> None:
    held = a_row(Listing("FUNDX123", "HOSE", "Quỹ", "Fund", "OF"))

    row = a_row(Listing("FUNDX123", "HOSE"), held)

    assert (row["name_vi"], row["name_en"], row["type"]) == ("Quỹ", "Fund", "fund")


def test_lot_and_price_steps_are_kept_where_a_list_tells_no_exchange() -> None:
    held = a_row(Listing("SSI", "HOSE", "Chứng khoán Mẫu", "Sample Securities", "ST", "10"))

    assert a_row(Listing("SSI"), held) == held
    assert a_row(Listing("SSI", "HNX"), held)["ticks"] == [[0, 100]]


def test_groups_are_by_exchange_and_by_type_and_futures_begin_with_the_front_month() -> None:
    listings = [
        Listing("VNM", "HOSE"),
        Listing("ACB", "HOSE"),
        Listing("SHS", "HNX"),
        Listing("BSR", "UPCOM"),
        Listing("CFPT2601", "HOSE"),
        Listing("FUEVFVND", "HOSE"),
        Listing("41I1H3000", "DER"),
        Listing("41I1GC000", "DER"),
        Listing("41I1H1000", "DER"),
    ]

    groups = derived_groups({listing.symbol: a_row(listing) for listing in listings})

    assert {name: group["keys"] for name, group in groups.items()} == {
        "HOSE": ["ACB", "CFPT2601", "FUEVFVND", "VNM"],
        "HNX": ["SHS"],
        "UPCOM": ["BSR"],
        "futures": ["41I1GC000", "41I1H1000", "41I1H3000"],
        "warrants": ["CFPT2601"],
        "etfs": ["FUEVFVND"],
    }
