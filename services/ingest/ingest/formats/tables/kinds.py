"""What a table can hold: one kind of event per file, and the fields that its columns may be.

A field has names in English and Chinese. What is no field can't be said in a table: docs/formats/tables.md
lists what, and why.
"""

from collections.abc import Mapping
from dataclasses import replace

from ingest.formats.tables.fields import Field, Kind

_PARTY = Field(
    "party",
    "id",
    ("party",),
    "party id | organisation | organization | company | 主体 | 企业 | 单位编号",
    example="shandong-mills",
    about="Whose statement it is; if no column says it, the key's party.",
)
_REVISION = Field(
    "revision",
    "whole",
    ("revision",),
    "version | rev | 版本 | 修订",
    example="",
    about="Your own counter for this id; if no column says it, the time of the upload in ms.",
)
_SITE = Field(
    "site",
    "id",
    ("site",),
    "site id | plant | location | factory | warehouse | 工厂 | 地点 | 厂区 | 仓库",
    needed=True,
    example="jinan-1",
    about="Id of the site.",
)
_SCHEME = Field(
    "scheme",
    "text",
    ("class", "scheme"),
    "class scheme | classification | 分类体系",
    example="hs",
    about="Which classification: hs, isic, unspsc, eclass, cpv, own.",
)
_CODE = Field(
    "code",
    "code",
    ("class", "code"),
    "class | class code | item class | commodity code | hs code | hs | unspsc code | cpv code | isic code"
    " | eclass code | 分类 | 分类编码 | 编码 | 海关编码 | hs编码 | 商品编码",
    needed=True,
    example="630790",
    about="The class in it; SCHEME:CODE in one cell, such as hs:630790, is taken too.",
)
_UNIT = Field(
    "unit",
    "unit",
    ("item", "unit"),
    "uom | unit of measure | quantity unit | 单位 | 计量单位",
    needed=True,
    example="C62",
    about="UN/ECE Rec 20 code, or a usual name: pcs, kg, t, m, 件, 公斤. "
    "Needed, unless the quantity's column names it: Quantity (kg).",
)
_KIND = Field(
    "item_kind",
    "choice",
    ("item", "kind"),
    "kind | item type | 类型",
    about="product (if not said), capacity, service, research, talent, finance, space, logistics.",
)
_CURRENCY = Field(
    "currency",
    "currency",
    (),
    "price currency | ccy | 币种 | 货币",
    example="CNY",
    about="ISO 4217. Needed with a price, unless the price's column names it: Price (EUR).",
)
_REASON = Field("reason", "text", ("reason",), "why | note | 原因 | 备注", about="Why; free text.")
_DOCKING = Field(
    "docking",
    "id",
    ("docking",),
    "docking id | 对接 | 对接编号",
    needed=True,
    example="6b1f2f0e-8d0f-5d52-9c0a-0d2a3f1f4c55",
    about="Id of the docking, from the feed.",
)
_WINDOWS = (
    Field(
        "window",
        "id",
        ("id",),
        "window id | 窗口",
        each=True,
        about="Id of the window; if not said, the day it begins on.",
    ),
    Field(
        "from",
        "moment",
        ("from",),
        "start | start date | begin | available from | valid from | 开始 | 开始日期 | 起始日期",
        each=True,
        example="2030-01-01",
        about="When the window begins.",
    ),
    Field(
        "until",
        "moment",
        ("until",),
        "to | end | end time",
        each=True,
        example="2030-02-01",
        about="When it ends: the first moment that is no longer in it.",
    ),
    Field(
        "last_day",
        "last",
        ("until",),
        "last day | end date | through | deadline | due date | 结束 | 结束日期 | 截止日期 | 交货日期",
        each=True,
        about="Instead of until: the last day that is in it.",
    ),
    Field("day", "day", (), "date | 日期", each=True, about="Instead of from and until: one day."),
    Field(
        "week",
        "week",
        (),
        "calendar week | iso week | 周 | 周次",
        each=True,
        about="Instead of from and until: a week, 2030-W05 or its Monday.",
    ),
    Field(
        "month",
        "month",
        (),
        "月份 | 月",
        each=True,
        about="Instead of from and until: a month, 2030-01 or its first day.",
    ),
    Field(
        "quantity",
        "number",
        ("quantity",),
        "qty | amount | volume | capacity | demand quantity | 数量 | 产能 | 需求量 | 供应量",
        needed=True,
        each=True,
        example="500",
        about="How much in this window; at least 0.",
    ),
)
_REFERENCES = (
    Field(
        "reference",
        "text",
        (),
        "po | po number | purchase order | order number | external reference | 订单号 | 采购订单",
        example="PO-7731",
        about="Your own document, such as a purchase order.",
    ),
    Field("reference_type", "id", (), "reference type", about="What it is; purchase-order if not said."),
)
_BLOCKED = Field(
    "blocked", "ids", ("blocked",), "blocked parties | 黑名单", about="Parties not to dock with."
)


def _withdrawal(name: str, what: str, names: str, example: str) -> Kind:
    own = Field(
        what, "id", (what,), names, needed=True, example=example, about=f"Id of the {what} that ends."
    )
    fields = (_PARTY, own, _SCHEME, _CODE, _REASON, _REVISION)
    return Kind(name, f"tenon.{what}.withdrawn.v1", ("party", what), fields)


_OFFER_NAMES = "offer id | supply id | 供应 | 供应编号 | 报价编号"
_DEMAND_NAMES = "demand id | requirement | requirement id | request id | 需求 | 需求编号"
_ITEM = (
    replace(_SCHEME, at=("item", *_SCHEME.at)),
    replace(_CODE, at=("item", *_CODE.at)),
    _UNIT,
    _KIND,
)

PARTIES = Kind(
    "parties",
    "tenon.party.registered.v1",
    ("party",),
    (
        Field(
            "party",
            "id",
            ("party",),
            _PARTY.names,
            needed=True,
            example="shandong-mills",
            about="Id of the party.",
        ),
        Field(
            "name",
            "text",
            ("name",),
            "party name | company name | 名称 | 企业名称",
            needed=True,
            example="Shandong Mills",
            about="Its name.",
        ),
        Field(
            "supply_confirmation",
            "choice",
            ("supply_confirmation",),
            "",
            example="automatic",
            about="How proposals to its offers are confirmed: manual (if not said) or automatic.",
        ),
        Field(
            "demand_confirmation",
            "choice",
            ("demand_confirmation",),
            "",
            example="manual",
            about="The same for its demands.",
        ),
        _REVISION,
    ),
)
SITES = Kind(
    "sites",
    "tenon.site.published.v1",
    ("party", "site"),
    (
        _PARTY,
        Field(
            "site",
            "id",
            ("site",),
            f"{_SITE.names} | 地点编号",
            needed=True,
            example="jinan-1",
            about=_SITE.about,
        ),
        Field(
            "name",
            "text",
            ("name",),
            "site name | 名称 | 工厂名称",
            example="Jinan, hall 1",
            about="Its name.",
        ),
        Field(
            "region",
            "region",
            ("region",),
            "region code | country | province | 地区 | 地区代码",
            needed=True,
            example="CN-SD",
            about="ISO 3166 code: CN, CN-SD, US-TX.",
        ),
        Field(
            "latitude",
            "number",
            ("position", "latitude"),
            "lat | 纬度",
            needed=True,
            example="36.67",
            about="Degrees, WGS 84.",
        ),
        Field(
            "longitude",
            "number",
            ("position", "longitude"),
            "lon | lng | long | 经度",
            needed=True,
            example="117.02",
            about="Degrees, WGS 84.",
        ),
        *(
            Field(
                factor,
                "number",
                ("readiness", factor, "ratio"),
                f"{factor} readiness | {chinese}",
                about=f"Readiness of {factor}, 0 to 1; 1 if not said.",
            )
            for factor, chinese in (
                ("man", "人"),
                ("machine", "机"),
                ("material", "料"),
                ("method", "法"),
                ("environment", "环"),
            )
        ),
        Field(
            "ready_at",
            "moment",
            (),
            "readiness time | evidence time",
            about="Since when the readiness is known.",
        ),
        _REVISION,
    ),
)
OFFERS = Kind(
    "offers",
    "tenon.offer.published.v1",
    ("party", "offer"),
    (
        _PARTY,
        Field(
            "offer",
            "id",
            ("offer",),
            _OFFER_NAMES,
            needed=True,
            example="masks-2030",
            about="Id of the offer; rows with one id are windows of one offer.",
        ),
        _SITE,
        *_ITEM,
        *_WINDOWS,
        Field(
            "price",
            "number",
            ("price", "amount"),
            "unit price | price per unit | 单价 | 价格",
            example="0.25",
            about="Per unit, up to 6 decimals.",
        ),
        _CURRENCY,
        Field(
            "minimum_order",
            "number",
            ("minimum_order",),
            "moq | minimum order quantity | min order | 起订量 | 最小起订量",
            about="Least quantity of a docking. Stored, not yet acted on.",
        ),
        Field("lot", "number", ("lot",), "lot size | pack size | 批量", about="Stored, not yet acted on."),
        Field(
            "lead_time_days",
            "days",
            ("lead_time_s",),
            "delivery time days | 交期天 | 供货周期天",
            example="1",
            about="From confirmation to dispatch.",
        ),
        Field("lead_time_hours", "hours", ("lead_time_s",), "交期小时", about="The same, in hours."),
        Field(
            "regions",
            "ids",
            ("regions_served",),
            "regions served | delivery regions | 供应地区",
            about="Regions it is delivered to: CN-SD; CN-HE. All if not said.",
        ),
        Field(
            "certificates",
            "ids",
            ("certificates",),
            "certificate | certification | 证书 | 认证",
            example="EN14683; ISO9001",
            about="Certificates held, without their ends.",
        ),
        Field(
            "valid_until",
            "moment",
            ("valid_until",),
            "offer valid until | expiry | 有效期至",
            about="Until when the offer stands.",
        ),
        _BLOCKED,
        *_REFERENCES,
        _REVISION,
    ),
)
DEMANDS = Kind(
    "demands",
    "tenon.demand.published.v1",
    ("party", "demand"),
    (
        _PARTY,
        Field(
            "demand",
            "id",
            ("demand",),
            _DEMAND_NAMES,
            needed=True,
            example="masks-january",
            about="Id of the demand; rows with one id are windows of one demand.",
        ),
        Field(
            "site",
            "id",
            ("site",),
            f"{_SITE.names} | delivery site | ship to | 收货地点 | 交货地点",
            needed=True,
            example="ward",
            about="Id of the site it is delivered to.",
        ),
        *_ITEM,
        *_WINDOWS,
        Field(
            "tier",
            "whole",
            ("tier",),
            "urgency | priority | 紧急程度 | 优先级",
            example="1",
            about="1 (served first) to 9; 5 if not said.",
        ),
        Field(
            "highest_price",
            "number",
            ("highest_price", "amount"),
            "max price | maximum price | price limit | price | 最高单价 | 最高价 | 单价 | 价格",
            example="0.30",
            about="Per unit, up to 6 decimals.",
        ),
        _CURRENCY,
        Field(
            "required_certificates",
            "ids",
            ("required_certificates",),
            "certificates | certificate | 证书 | 认证要求",
            example="EN14683",
            about="What a supplier must hold.",
        ),
        Field(
            "patience_until",
            "moment",
            ("patience_until",),
            "patience | give up after | 等待至",
            about="Until when it may stay open.",
        ),
        _BLOCKED,
        Field(
            "preferred",
            "ids",
            ("preferred",),
            "preferred parties | preferred suppliers | 优选供应商",
            about="Stored, not yet acted on.",
        ),
        Field(
            "all_or_nothing",
            "flag",
            ("all_or_nothing",),
            "complete delivery",
            about="yes or no. Not yet acted on.",
        ),
        Field(
            "at_most_suppliers", "whole", ("at_most_suppliers",), "max suppliers", about="Not yet acted on."
        ),
        Field("kit", "id", ("kit",), "kit id | set id | 套件", about="Stored, not yet acted on."),
        *_REFERENCES,
        _REVISION,
    ),
)
ROUTES = Kind(
    "routes",
    "tenon.routes.published.v1",
    ("party", "site", "scheme", "code"),
    (
        _PARTY,
        _SITE,
        _SCHEME,
        _CODE,
        Field(
            "to",
            "place",
            (),
            "destination | to site | 目的地",
            needed=True,
            each=True,
            example="clinic-7/ward",
            about="The other site: PARTY/SITE. Rows with one site and class are one set of distances.",
        ),
        Field(
            "distance_m",
            "metres",
            (),
            "metres | meters | 距离m | 距离米",
            each=True,
            example="412000",
            about="Metres along the way.",
        ),
        Field(
            "distance_km",
            "kilometres",
            (),
            "kilometres | kilometers | 距离km | 距离公里",
            each=True,
            about="The same in kilometres.",
        ),
        _REVISION,
    ),
)
ANSWERS = Kind(
    "answers",
    "tenon.docking.answered.v1",
    ("party", "docking"),
    (
        _PARTY,
        _DOCKING,
        Field(
            "docking_revision",
            "whole",
            ("docking_revision",),
            "revision seen | revision",
            needed=True,
            example="1",
            about="The revision of the docking that you saw.",
        ),
        _SCHEME,
        _CODE,
        Field(
            "answer",
            "choice",
            ("answer",),
            "reply | 答复",
            needed=True,
            example="accept",
            about="accept or decline.",
        ),
        _REASON,
    ),
)
PROGRESS = Kind(
    "progress",
    "tenon.docking.progressed.v1",
    ("party", "docking"),
    (
        _PARTY,
        _DOCKING,
        _SCHEME,
        _CODE,
        Field("unit", "unit", ("unit",), _UNIT.names, needed=True, example="C62", about=_UNIT.about),
        Field(
            "shipped",
            "number",
            ("shipped",),
            "shipped quantity | 已发货",
            example="12000",
            about="Shipped so far, in all.",
        ),
        Field(
            "delivered",
            "number",
            ("delivered",),
            "delivered quantity | 已交货",
            about="Delivered so far, in all.",
        ),
        Field(
            "failed",
            "number",
            ("failed",),
            "failed quantity | 失败",
            about="What will not be supplied, in all.",
        ),
        Field("cause", "text", ("cause",), "failure cause | 原因", about="Why it failed."),
        _REVISION,
    ),
)

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        PARTIES,
        SITES,
        OFFERS,
        DEMANDS,
        ROUTES,
        _withdrawal("offer-withdrawals", "offer", _OFFER_NAMES, "masks-2030"),
        _withdrawal("demand-withdrawals", "demand", _DEMAND_NAMES, "masks-january"),
        ANSWERS,
        PROGRESS,
    )
}
"""By name."""
