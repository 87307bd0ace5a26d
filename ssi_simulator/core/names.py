"""
Words for invented companies, and the tickers that a reader expects to see.

The tickers give the board its familiar shape; prices, sizes and company names behind them are invented.
"""

import unicodedata
from random import Random

# VN30 members by the sector index they count in. The first ones are there however small the market is made.
VN30_SECTORS: dict[str, str] = {
    "SSI": "VNFIN", "FPT": "VNIT", "HPG": "VNMAT", "VNM": "VNCONS", "VCB": "VNFIN", "VIC": "VNREAL",
    "ACB": "VNFIN", "MBB": "VNFIN", "MWG": "VNCOND", "TCB": "VNFIN", "GAS": "VNUTI", "VHM": "VNREAL",
    "BCM": "VNREAL", "BID": "VNFIN", "BVH": "VNFIN", "CTG": "VNFIN", "GVR": "VNMAT", "HDB": "VNFIN",
    "LPB": "VNFIN", "MSN": "VNCONS", "PLX": "VNENE", "SAB": "VNCONS", "SHB": "VNFIN", "SSB": "VNFIN",
    "STB": "VNFIN", "TPB": "VNFIN", "VIB": "VNFIN", "VJC": "VNIND", "VPB": "VNFIN", "VRE": "VNREAL",
}  # fmt: skip
HNX_TICKERS = ("SHS", "PVS", "IDC", "CEO", "MBS", "TNG", "VCS", "PVI", "BVS", "LAS")
UPCOM_TICKERS = ("ACV", "VGI", "MCH", "VEA", "QNS", "OIL", "ABB", "BVB", "DDV", "MSR")
ETF_TICKERS = (
    "E1VFVN30", "FUEVFVND", "FUESSV30", "FUESSV50", "FUESSVFL", "FUEMAV30",
    "FUEVN100", "FUEDCMID", "FUEKIV30", "FUEIP100", "FUEKIVFS", "FUETCC50",
)  # fmt: skip
WARRANT_ISSUERS = ("Bình An", "Hải Vân", "Trường Giang", "Kim Sơn")

# Sector index → what its companies do, in Vietnamese and English.
TRADES: dict[str, tuple[tuple[str, str], ...]] = {
    "VNFIN": (("Chứng khoán", "Securities"), ("Tài chính", "Finance"), ("Bảo hiểm", "Insurance")),
    "VNREAL": (("Bất động sản", "Real Estate"), ("Phát triển Đô thị", "Urban Development")),
    "VNIT": (("Công nghệ", "Technology"), ("Viễn thông", "Telecom")),
    "VNMAT": (("Thép", "Steel"), ("Hóa chất", "Chemicals"), ("Xi măng", "Cement"), ("Cao su", "Rubber")),
    "VNCONS": (("Thực phẩm", "Foods"), ("Thủy sản", "Seafood"), ("Mía đường", "Sugar")),
    "VNCOND": (("Dệt may", "Garment"), ("Bán lẻ", "Retail"), ("Du lịch", "Tourism")),
    "VNENE": (("Xăng dầu", "Petroleum"), ("Than", "Coal")),
    "VNHEAL": (("Dược phẩm", "Pharmaceutical"), ("Thiết bị Y tế", "Medical Equipment")),
    "VNIND": (("Xây dựng", "Construction"), ("Vận tải", "Transport"), ("Cảng", "Port"), ("Cơ khí", "Engineering")),
    "VNUTI": (("Thủy điện", "Hydropower"), ("Cấp nước", "Water Supply"), ("Nhiệt điện", "Thermal Power")),
}
SECTORS = tuple(TRADES)

_FIRST = (
    "An", "Bảo", "Bình", "Đại", "Đông", "Hải", "Hoàng", "Hưng", "Khánh", "Kim",
    "Long", "Minh", "Nam", "Phú", "Tân", "Thanh", "Thiên", "Trường", "Việt", "Vĩnh",
)  # fmt: skip
_SECOND = (
    "An", "Cường", "Đạt", "Dương", "Giang", "Hà", "Hòa", "Lâm", "Lộc", "Nguyên",
    "Phát", "Phong", "Phúc", "Quang", "Sơn", "Thành", "Thịnh", "Tiến", "Vân", "Xuân",
)  # fmt: skip


def company(rng: Random, sector: str) -> tuple[str, str]:
    """An invented company of a sector: its Vietnamese and its English name."""
    brand = f"{rng.choice(_FIRST)} {rng.choice(_SECOND)}"
    vietnamese, english = rng.choice(TRADES[sector])
    return f"Công ty Cổ phần {vietnamese} {brand}", f"{without_accents(brand)} {english} Joint Stock Company"


def without_accents(text: str) -> str:
    """Vietnamese text in plain Latin letters, as in English company names."""
    decomposed = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def tickers(rng: Random, taken: set[str], count: int) -> list[str]:
    """So many unused three-letter tickers; they are added to the taken ones. There are 17,576 in all."""
    found: list[str] = []
    while len(found) < count:
        ticker = "".join(rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=3))
        if ticker not in taken:
            taken.add(ticker)
            found.append(ticker)
    return found
