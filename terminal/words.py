"""What is said to people, in two languages."""

from typing import Literal, TypeAlias

from clients.python.banggia_client import Problem, Status

Language: TypeAlias = Literal["en", "vi"]

WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "symbol": "Symbol", "ceiling": "Ceiling", "floor": "Floor", "reference": "Ref.", "bid_volume": "Bid vol",
        "bid": "Bid", "last": "Price", "last_volume": "Vol", "change": "+/-", "change_pct": "%", "ask": "Ask",
        "ask_volume": "Ask vol", "total_volume": "Total vol", "high": "High", "low": "Low",
        "total_value": "Value bn",
        "connecting": "connecting", "live": "live", "quiet": "quiet: no data is due now",
        "link": "no link to the board", "broker": "the board's Redis does not answer",
        "ingest": "the ingest is silent", "stale": "data is due, but none comes", "down": "no link to the exchange",
        "old_since": "OLD DATA since", "simulated": "simulated prices", "replay": "recorded at", "data_of": "data of",
        "loading": "loading …", "refused": "refused", "nothing": "no rows yet",
        "help": "q quit · ↑ ↓ scroll · s sort", "by": "by", "prices_in": "prices in thousand VND, futures in points",
        "pre_open": "before the opening", "ato": "ATO", "continuous": "continuous", "break": "lunch break",
        "atc": "ATC", "put_through": "put-through", "plo": "PLO", "closed": "closed",
    },
    "vi": {
        "symbol": "Mã", "ceiling": "Trần", "floor": "Sàn", "reference": "TC", "bid_volume": "KL mua",
        "bid": "Giá mua", "last": "Giá", "last_volume": "KL", "change": "+/-", "change_pct": "%", "ask": "Giá bán",
        "ask_volume": "KL bán", "total_volume": "Tổng KL", "high": "Cao", "low": "Thấp",
        "total_value": "GT tỷ",
        "connecting": "đang kết nối", "live": "trực tiếp", "quiet": "yên: ngoài giờ giao dịch",
        "link": "mất kết nối tới bảng giá", "broker": "Redis của bảng giá không trả lời",
        "ingest": "bộ thu dữ liệu im lặng", "stale": "đến giờ mà không có dữ liệu", "down": "mất kết nối tới sàn",
        "old_since": "DỮ LIỆU CŨ từ", "simulated": "giá mô phỏng", "replay": "bản ghi lúc", "data_of": "dữ liệu lúc",
        "loading": "đang tải …", "refused": "bị từ chối", "nothing": "chưa có dữ liệu",
        "help": "q thoát · ↑ ↓ cuộn · s sắp xếp", "by": "theo", "prices_in": "giá: nghìn đồng, phái sinh: điểm",
        "pre_open": "trước giờ", "ato": "ATO", "continuous": "khớp lệnh liên tục", "break": "nghỉ trưa",
        "atc": "ATC", "put_through": "thỏa thuận", "plo": "PLO", "closed": "đóng cửa",
    },
}  # fmt: skip


def road(status: Status | None, error: Problem | None, language: Language) -> str:
    """The state of the whole road in plain words: a broken one never sounds like a quiet market."""
    words = WORDS[language]
    if status is None:
        return f"{words['link']}: {error}" if error is not None else words["connecting"]
    if status.broker == "down":
        said = words["broker"]
    elif status.ingest == "silent":
        said = words["ingest"]
    else:
        said = words.get(status.feed or "", status.feed or "")
    return f"{said} ({status.reason})" if status.reason and not status.connected else said


def phases(status: Status | None, language: Language) -> str:
    """`HOSE, HNX continuous · DERIVATIVES closed`: exchanges of one phase together."""
    together: dict[str, list[str]] = {}
    for exchange, phase in (status.phases or {} if status is not None else {}).items():
        together.setdefault(phase, []).append(exchange)
    words = WORDS[language]
    return " · ".join(f"{', '.join(exchanges)} {words.get(phase, phase)}" for phase, exchanges in together.items())
