"""Units, currencies and yes or no in the words that tables use for them."""

from collections.abc import Mapping

from tenon.contracts.units import UNITS

_UNIT_WORDS = {
    "C62": "pcs pc piece pieces each 件 个 只 片 台",
    "PR": "pair pairs 双 对",
    "DZN": "dozen dozens 打",
    "CEN": "hundred 百件 百个",
    "MIL": "thousand 千件 千个 千只 千片",
    "KGM": "kg kgs kilogram kilograms kilo 公斤 千克",
    "GRM": "g gram grams 克",
    "TNE": "t tonne tonnes 吨 公吨",
    "LBR": "lb lbs pound pounds 磅",
    "MTR": "m metre metres meter meters 米",
    "MMT": "mm 毫米",
    "CMT": "cm 厘米",
    "KMT": "km 公里 千米",
    "MTK": "m2 m² sqm 平方米",
    "LTR": "l litre litres liter liters 升",
    "MLT": "ml 毫升",
    "MTQ": "m3 m³ cbm 立方米",
    "SEC": "s second seconds 秒",
    "MIN": "minute minutes 分钟",
    "HUR": "h hr hrs hour hours 小时 工时",
    "DAY": "d day days 天",
    "WEE": "week weeks",
    "KWH": "kwh 千瓦时 度",
    "MWH": "mwh 兆瓦时",
    "KWT": "kw 千瓦",
}
_UNITS_BY_WORD: Mapping[str, str] = {
    word: code for code, words in _UNIT_WORDS.items() for word in words.split()
}
_CURRENCY_WORDS = {"EUR": "€ euro euros 欧元", "CNY": "元 人民币 rmb", "USD": "us$ 美元", "GBP": "£"}
CURRENCY_NAMES: Mapping[str, str] = {
    word: code for code, words in _CURRENCY_WORDS.items() for word in words.split()
}
"""Signs that more than one currency has ($, ¥) are not among them."""
FLAGS: Mapping[str, bool] = {
    **dict.fromkeys(("true", "yes", "y", "1", "是"), True),
    **dict.fromkeys(("false", "no", "n", "0", "否"), False),
}


def unit_code(text: str) -> str | None:
    """Return the code of UN/ECE Rec 20 that a text means, None when it is none that is known."""
    text = text.strip()
    return text.upper() if text.upper() in UNITS else _UNITS_BY_WORD.get(text.casefold())
