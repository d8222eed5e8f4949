"""Units, each with its dimension and what one of it is in the base of that."""

from __future__ import annotations

import re
from fractions import Fraction

__all__ = [
    "CURRENCIES",
    "MEASURED",
    "MEASURES",
    "MONTH",
    "SECOND",
    "UNIT",
    "UNITS",
]

MONTH, SECOND = "months", "seconds"
UNITS: dict[str, tuple[str, Fraction]] = {}


def _units(dimension: str, factor: Fraction | int, names: str) -> None:
    UNITS.update(dict.fromkeys(names.split(), (dimension, Fraction(factor))))


_units("ratio", Fraction(1, 100), "% percent percentage pct")
# From 5% to 8% are 3 percentage points and 60 percent.
_units("points", Fraction(1, 100), "个百分点 個百分點 百分点 百分點")
UNITS |= dict.fromkeys(("percentage points", "percentage point"), UNITS["百分点"])
UNITS["per cent"] = UNITS["%"]
_units("ratio", Fraction(1, 1000), "‰")
_units("ratio", Fraction(1, 10), "成")
_units("times", 1, "倍 times fold x")
_units("century", 1, "世纪 世紀 century centuries")
_units(MONTH, 12, "年 years year yr yrs 周年 週年 岁 歲 载 載 year-old years-old")
_units(MONTH, 120, "decades decade")
_units(MONTH, 1, "个月 個月 月 months month")
_units(SECOND, 7 * 86400, "周 週 星期 礼拜 禮拜 个星期 個星期 weeks week")
_units(SECOND, 86400, "天 日 days day")
_units(SECOND, 3600, "小时 小時 个小时 個小時 钟头 hours hour hrs hr h")
_units(SECOND, 60, "分钟 分鐘 minutes minute mins min")
_units(SECOND, 1, "秒 秒钟 秒鐘 seconds sec s")
_units(SECOND, Fraction(1, 1000), "毫秒 ms milliseconds millisecond")
_units("metres", 1000, "公里 千米 km kilometers kilometres kilometer kilometre")
_units("metres", 1, "米 公尺 m meters metres meter metre")
_units(
    "metres", Fraction(1, 100), "厘米 公分 釐米 cm centimeters centimetres centimeter centimetre"
)
_units("metres", Fraction(1, 1000), "毫米 mm millimeters millimetres")
_units("miles", 1, "英里 英哩 哩 miles mile mi")
_units("feet", 1, "英尺 英呎 呎 feet foot ft")
_units("inches", 1, "英寸 英吋 吋 inches inch")
_units("square metres", 10**6, "平方公里 平方千米 km² km2")
_units("square metres", 1, "平方米 平方公尺 m² m2")
_units("square metres", 10**4, "公顷 公頃 hectares hectare ha")
_units("square miles", 1, "平方英里 平方英哩")
_units("acres", 1, "英亩 英畝 acres acre")
_units("kilograms", 1, "公斤 千克 kg kilograms kilogram kilos kilo")
_units("kilograms", Fraction(1, 1000), "克 公克 g grams gram")
_units("kilograms", 1000, "吨 噸 公吨 公噸 tonnes tonne")
_units("tons", 1, "tons ton")
_units("pounds", 1, "磅 lb lbs")
_units("catties", 1, "斤 市斤 catties catty jin")
_units("litres", 1, "升 公升 litres liters litre liter l L")
_units("litres", Fraction(1, 1000), "毫升 ml mL millilitres milliliters")
_units("celsius", 1, "℃ °C 摄氏度 攝氏度 celsius")
_units("fahrenheit", 1, "℉ °F 华氏度 華氏度 fahrenheit")
_units("bytes", 1024, "KB")
_units("bytes", 1024**2, "MB 兆字节")
_units("bytes", 1024**3, "GB")
_units("bytes", 1024**4, "TB")
_units("watts", 10**6, "兆瓦 MW megawatts")
_units("watts", 1000, "千瓦 kW kilowatts")
_units("dollar", 1, "美元 美金 dollars dollar USD 美圆")
_units("dollar", Fraction(1, 100), "cents 美分")
_units("yuan", 1, "元 块钱 塊錢 人民币 人民幣 RMB CNY yuan 元人民币 新台幣 新臺幣 台币")
_units("hkd", 1, "港元 港币 港幣 HKD")
_units("yen", 1, "日元 日圆 日圓 JPY yen 円")
_units("euro", 1, "欧元 歐元 EUR euros euro")
_units("pound", 1, "英镑 英鎊 GBP")
# What one of a unit is in that of another dimension, where both measure the same.
MEASURED: dict[tuple[str, str], Fraction] = {
    ("miles", "metres"): Fraction("1609.344"),
    ("feet", "metres"): Fraction("0.3048"),
    ("inches", "metres"): Fraction("0.0254"),
    ("acres", "square metres"): Fraction("4046.856"),
    ("square miles", "square metres"): Fraction(2_589_988),
    ("pounds", "kilograms"): Fraction("0.4536"),
    ("catties", "kilograms"): Fraction(1, 2),
}
CURRENCIES = {
    "US$": "dollar", "HK$": "hkd", "NT$": "yuan", "$": "dollar", "€": "euro", "£": "pound",
    "¥": "", "￥": "",
}  # fmt: skip

# A Chinese numeral of one character is a number only before one of these: 四川 is none.
MEASURES = (
    "个個位名人次种種类類项項条條件家座所层層本册冊部篇张張间間支枝只隻头頭匹辆輛艘架台臺颗顆粒块塊片"
    "场場届屆期代级級度点點步句字词詞段章节節卷集轮輪票分队隊组組批套对對双雙大州国國省市县縣区區村"
    "族口户戶门門首幅枚把根道股束排串盏盞笔筆款样樣方面边邊者子女男岁歲年月日天周週星小秒倍成元亿億万萬"
    "米公英平吨噸克斤磅升里寸尺亩畝世阶階维維处處局胜勝负負连連冠亚亞季回遍趟番重角顶頂餐杯瓶碗车車"
    "艇机機院校派党黨页頁栏欄行列"
)

UNIT = "|".join(
    re.escape(u) + (r"(?![A-Za-z])" if u[-1].isascii() and u[-1].isalpha() else "")
    for u in sorted(UNITS, key=len, reverse=True)
)
