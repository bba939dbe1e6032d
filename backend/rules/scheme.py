"""抽查方案: whom a plan is about, into which strata they fall, and what each stratum is to give.

The values are parts of task.json (docs/reference/bundle.md); the functions decide from them and
from what a line of the frame says. No clock, no register.
"""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import chain
from typing import Annotated, Literal, TypeAlias
from urllib.parse import quote, unquote

from msgspec import Meta, Struct, field

from backend.rules.ladder import Staffing, Step

SINGLE = "all"  # the one stratum of a plan that has no others
NONE = "none"  # the value of a dimension that an object has nothing of
DIMENSIONS = ("risk", "category", "credit", "credit_class", "key", "department")
_PLAIN = "".join(chr(n) for n in range(32, 127) if chr(n) not in "/%")
DIVISION_DIGITS = (2, 4, 6, 9, 12)

Count: TypeAlias = Annotated[int, Meta(ge=0, le=10_000_000)]
Weight: TypeAlias = Annotated[int, Meta(ge=1, le=1_000_000)]
Rate: TypeAlias = tuple[
    Annotated[int, Meta(ge=0, le=1_000_000)], Annotated[int, Meta(ge=1, le=1_000_000)]
]
Word: TypeAlias = Annotated[str, Meta(min_length=1, max_length=80)]
Words: TypeAlias = Annotated[list[Word], Meta(max_length=100)]
Credit: TypeAlias = Literal["abnormal", "serious", "none"]
CreditClass: TypeAlias = Literal["A", "B", "C", "D", "none"]
Rounding: TypeAlias = Literal["ceil", "floor", "hamilton", "systematic"]
Strata: TypeAlias = Annotated[list[Word], Meta(max_length=6)]


class Scope(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """定向: whom a directed plan is about; an empty list sets no condition."""

    categories: Words = []
    risks: Words = []
    credit: Annotated[list[Credit], Meta(max_length=3)] = []  # lists in force on the snapshot day
    credit_classes: Annotated[list[CreditClass], Meta(max_length=5)] = []  # 信用风险分类
    products: Words = []  # kinds of a licence in force, or words of its scope
    key: Literal["all", "only", "elsewhere"] = "all"  # 重点对象; elsewhere: not here

    def directed(self) -> bool:
        """Whether the plan looks at some objects rather than at all of them."""
        return self != Scope()


class Visits(Struct, frozen=True, forbid_unknown_fields=True):
    """频次: so many visits a year, in so many batches a year; this is batch 1, 2, …"""

    per_year: Rate
    batches: Annotated[int, Meta(ge=1, le=366)]
    batch: Annotated[int, Meta(ge=1, le=10_000)]

    def cycle(self) -> Fraction:
        """Count the batches in which everybody has their turn once; it must be whole."""
        return Fraction(self.batches * self.per_year[1], max(1, self.per_year[0]))

    def turn(self) -> int:
        """Count the batches of this cycle that came before this one."""
        return (self.batch - 1) % int(self.cycle())

    def rate(self) -> Fraction:
        """Give this batch's share of those who did not have their turn yet."""
        return Fraction(1, int(self.cycle()) - self.turn())


class Quota(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the strata with these values give: one of rate, count and visits."""

    where: Annotated[dict[Word, Words], Meta(max_length=6)]
    rate: Rate | None = None
    count: Count | None = None
    visits: Visits | None = None
    at_most: Rate | None = None  # 不超过, beside the `rate` or `count` that is 不少于


class Weighing(Struct, frozen=True, forbid_unknown_fields=True):
    """权重: objects with one of these values of a dimension weigh so many times as much."""

    by: Word
    values: Words
    weight: Weight


class Exclusion(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who stays out because of visits before; 0 sets no rule."""

    window_days: Annotated[int, Meta(ge=0, le=3_660)] = 0  # drawn within so many days, by any plan
    annual_cap: Annotated[int, Meta(ge=0, le=366)] = 0  # visits a year, of all departments together
    superior_months: Annotated[int, Meta(ge=0, le=120)] = 0  # inspected by a superior


class Traits(Struct, frozen=True):
    """What a line of the frame says of an object, beside its code."""

    region: str
    category: str
    risk: str
    credit: str = ""
    key: str = ""  # yes | empty
    department: str = ""
    product: str = ""  # those of the plan's products that it has, joined by commas
    size: str = ""
    credit_class: str = ""


Column: TypeAlias = Literal[
    "credit", "credit_class", "key", "department", "product", "size", "evidence"
]  # in this order


def columns_of(
    *, strata: Sequence[str], scope: Scope, weights: Sequence[Weighing], sizes: bool
) -> list[Column]:
    """Choose the columns that a frame needs so that everything in it can be recomputed."""
    used = {*strata, *(one.by for one in weights)}
    wanted: dict[Column, bool] = {
        "credit": bool(scope.credit) or "credit" in used,
        "credit_class": bool(scope.credit_classes) or "credit_class" in used,
        "key": scope.key != "all" or "key" in used,
        "department": "department" in used,
        "product": bool(scope.products),
        "size": sizes,
        "evidence": True,
    }
    return [name for name, needed in wanted.items() if needed]


# -- strata --------------------------------------------------------------------------------------


def is_dimension(name: str) -> bool:
    """Whether objects can be told apart by this: `risk`, `division:6`, …"""
    head, _, digits = name.partition(":")
    if head == "division":
        return digits in map(str, DIVISION_DIGITS)
    return name in DIMENSIONS


def value_of(dimension: str, traits: Traits) -> str:
    """Give an object's value of a dimension; `none` when it has nothing there."""
    match dimension:
        case "risk":
            value = traits.risk
        case "category":
            value = traits.category
        case "credit":
            value = traits.credit
        case "credit_class":
            value = traits.credit_class
        case "key":
            value = traits.key
        case "department":
            value = traits.department
        case _:
            value = traits.region[: int(dimension.partition(":")[2])]
    return value or NONE


def stratum_of(strata: Sequence[str], traits: Traits) -> str:
    """Name the stratum of an object: its values, joined by slashes."""
    return "/".join(escaped(value_of(one, traits)) for one in strata) or SINGLE


def values_of(strata: Sequence[str], stratum: str) -> dict[str, str]:
    """Read the values back out of a stratum's name."""
    return dict(zip(strata, map(unquote, stratum.split("/")), strict=True)) if strata else {}


def escaped(value: str) -> str:
    """Write a value so that it may be a key of canonical JSON, and never contains a slash."""
    return quote(value, safe=_PLAIN)


def weight_of(weights: Sequence[Weighing], traits: Traits) -> int:
    """Multiply an object's size with every weight that is declared for its values."""
    weight = int(traits.size or 1)
    for one in weights:
        if value_of(one.by, traits) in one.values:
            weight *= one.weight
    return weight


# -- who is meant --------------------------------------------------------------------------------


def unwanted(scope: Scope, category: str, traits: Traits) -> str:
    """Give the reason why an object is not one of this plan; empty if it is."""
    if category not in ("", traits.category):
        return "X06-not-of-category"
    if scope.categories and traits.category not in scope.categories:
        return "X06-not-of-category"
    if scope.risks and traits.risk not in scope.risks:
        return "X06-not-of-risk"
    if scope.credit and (traits.credit or NONE) not in scope.credit:
        return "X06-not-of-credit"
    if scope.credit_classes and (traits.credit_class or NONE) not in scope.credit_classes:
        return "X06-not-of-credit-class"
    if scope.products and not traits.product:
        return "X06-not-of-product"
    if scope.key == "only" and not traits.key:
        return "X06-not-key"
    if scope.key == "elsewhere" and traits.key:
        return "X05-key-object"
    return ""


# -- what each stratum is to give ----------------------------------------------------------------


def asked(
    strata: Sequence[str], quotas: Sequence[Quota], rate: Rate, counts: Mapping[str, int]
) -> dict[str, Fraction]:
    """Compute the exact quota of every stratum, before any rounding."""
    result: dict[str, Fraction] = {}
    for stratum, eligible in counts.items():
        quota = quota_of(strata, quotas, stratum)
        if quota is None:
            result[stratum] = Fraction(eligible * rate[0], rate[1])
        elif quota.count is not None:
            result[stratum] = Fraction(min(quota.count, eligible))
        elif quota.visits is not None:
            result[stratum] = eligible * quota.visits.rate()
        else:
            assert quota.rate is not None, "a quota says one of rate, count and visits"
            result[stratum] = Fraction(eligible * quota.rate[0], quota.rate[1])
    return result


def quota_of(strata: Sequence[str], quotas: Sequence[Quota], stratum: str) -> Quota | None:
    """Find the first quota that is meant for a stratum; none: the plan's own rate."""
    if not quotas:
        return None
    values = values_of(strata, stratum)
    for quota in quotas:
        if all(values.get(name) in allowed for name, allowed in quota.where.items()):
            return quota
    return None


def most_allowed(
    strata: Sequence[str],
    quotas: Sequence[Quota],
    at_most: Rate | None,
    counts: Mapping[str, int],
) -> dict[str, int]:
    """Give the most lots of each stratum that has an upper rate (不超过); one lot always may be."""
    result: dict[str, int] = {}
    for stratum, eligible in counts.items():
        quota = quota_of(strata, quotas, stratum)
        upper = at_most if quota is None else quota.at_most
        if upper is not None:
            result[stratum] = max(1, eligible * upper[0] // upper[1])
    return result


# -- a plan's scheme as it is given --------------------------------------------------------------


class Seat(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A position at every site: `1主办`, `2协办`, … and what it asks of who sits there."""

    name: Annotated[str, Meta(min_length=1, max_length=40)]
    qualifications: Words = []
    expert: bool = False  # 专家: beside the two inspectors


class Party(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """配合部门: a partner in a joint plan, with its own matter, checklists and seats."""

    department: Word
    matter: Annotated[str, Meta(max_length=120)] = ""
    checklists: Annotated[dict[Word, Word], Meta(min_length=1, max_length=100)] = {}
    seats: Annotated[list[Seat], Meta(max_length=8)] = []


class Exempted(Struct, frozen=True, forbid_unknown_fields=True):
    """A named decision that an object is not drawn, and who decided it in which document."""

    code: Annotated[str, Meta(min_length=1, max_length=64)]
    reason: Literal["X03", "X04", "X05", "X07", "X09"]
    authority: Annotated[str, Meta(min_length=1, max_length=200)]


DEFAULT_SEATS = [Seat("1主办"), Seat("2协办")]


class Scheme(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a plan says beyond rate, minimum and dates; all of it goes into the bundle."""

    scope: Scope = field(default_factory=Scope)
    strata: Strata = []
    rounding: Rounding = "ceil"
    at_most: Rate | None = None  # 不超过, beside the rate of the plan
    total: Count = 0
    quotas: Annotated[list[Quota], Meta(max_length=200)] = []
    weights: Annotated[list[Weighing], Meta(max_length=100)] = []
    sizes: Annotated[dict[Word, Weight], Meta(max_length=100_000)] = {}  # by code
    exclusion: Exclusion = field(default_factory=Exclusion)
    exemptions: Annotated[list[Exempted], Meta(max_length=100_000)] = []
    department: Annotated[str, Meta(max_length=80)] = ""  # of the lead; empty: any
    matter: Annotated[str, Meta(max_length=120)] = ""
    seats: Annotated[list[Seat], Meta(max_length=8)] = []  # of the lead; empty: 1主办, 2协办
    partners: Annotated[list[Party], Meta(max_length=20)] = []
    staffing: Staffing = field(default_factory=Staffing)
    relaxations: Annotated[list[Step], Meta(max_length=10)] = []  # in order; empty: none


def batch_of(given: Scheme) -> int:
    """Tell which batch of the year a plan is; 0 if it is none."""
    return max((one.visits.batch for one in given.quotas if one.visits is not None), default=0)


# -- whether it makes sense ----------------------------------------------------------------------


class Problem(Struct, frozen=True):
    """What is wrong with a scheme, in which field."""

    field: str
    en: str
    zh: str


def problem_of(given: Scheme, *, campaign: bool) -> Problem | None:
    """Find the first thing that contradicts another, or that says nothing."""
    names = [(one, "strata") for one in given.strata]
    names += [(one.by, f"weights[{n}].by") for n, one in enumerate(given.weights)]
    unknown = (_unknown(field, name) for name, field in names if not is_dimension(name))
    quotas = (
        problem
        for n, one in enumerate(given.quotas)
        for problem in _quota_problems(f"quotas[{n}]", one, given.strata)
    )
    whole = (_whole_problems(given, campaign), _bound_problems(given))
    found = (unknown, *whole, quotas, _seat_problems(given))
    return next(chain.from_iterable(found), None)


def _bound_problems(given: Scheme) -> Iterator[Problem]:
    uppers = [("at_most", given.at_most)]
    uppers += [(f"quotas[{n}].at_most", one.at_most) for n, one in enumerate(given.quotas)]
    for name, upper in uppers:
        if upper is not None and upper[0] > upper[1]:
            yield Problem(name, "a rate is at most 1", "比例不得超过百分之百")
        if upper is not None and given.rounding != "ceil":
            yield Problem(
                name, "beside an upper rate the rate is a lower one: `rounding` is `ceil`",
                "设上限时比例为下限（不少于），rounding 须为 ceil",
            )  # fmt: skip


def _whole_problems(given: Scheme, campaign: bool) -> Iterator[Problem]:
    if len(set(given.strata)) != len(given.strata):
        yield Problem("strata", "a dimension is named twice", "分层维度重复")
    if given.total and given.rounding not in ("hamilton", "systematic"):
        yield Problem(
            "total", "a total is shared out by `hamilton` or `systematic`",
            "固定总数须用 hamilton 或 systematic 分配",
        )  # fmt: skip
    if given.rounding == "hamilton" and not given.total:
        yield Problem("rounding", "`hamilton` needs `total`", "hamilton 须给出 total（总数）")
    batches = {one.visits.batch for one in given.quotas if one.visits is not None}
    if len(batches) > 1:
        yield Problem("quotas", "a plan is one batch of the year", "一个计划只能是一个批次")
    if batches - {1} and not campaign:
        yield Problem(
            "quotas", "a later batch belongs to a campaign: name its `parent`",
            "后续批次须隶属专项行动，请给出 parent",
        )  # fmt: skip
    if len({one.code for one in given.exemptions}) != len(given.exemptions):
        yield Problem("exemptions", "a code is named twice", "同一对象重复列出")


def _quota_problems(field: str, quota: Quota, strata: Sequence[str]) -> Iterator[Problem]:
    if sum(one is not None for one in (quota.rate, quota.count, quota.visits)) != 1:
        yield Problem(
            field, "give exactly one of `rate`, `count` and `visits`",
            "rate、count、visits 须且只能给出一个",
        )  # fmt: skip
    if not set(quota.where) <= set(strata):
        yield Problem(
            f"{field}.where", "a quota speaks of what `strata` names", "条件须取自 strata 所列维度"
        )
    if quota.rate is not None and quota.rate[0] > quota.rate[1]:
        yield Problem(f"{field}.rate", "a rate is at most 1", "比例不得超过百分之百")
    if quota.visits is not None and (
        quota.visits.per_year[0] == 0 or quota.visits.cycle().denominator != 1
    ):
        yield Problem(
            f"{field}.visits", "the batches of a year must be a multiple of its visits",
            "每年批次数须为每年次数的整数倍",
        )  # fmt: skip


def _seat_problems(given: Scheme) -> Iterator[Problem]:
    if given.partners and not given.department:
        yield Problem(
            "department", "a joint plan names its lead department", "联合抽查须指明牵头部门"
        )
    departments = [given.department, *(one.department for one in given.partners)]
    if len(set(departments)) != len(departments):
        yield Problem("partners", "a department is named twice", "部门重复")
    parties = [("seats", given.seats or DEFAULT_SEATS)]
    parties += [
        (f"partners[{n}].seats", one.seats or DEFAULT_SEATS) for n, one in enumerate(given.partners)
    ]
    for name, seats in parties:
        if sum(not one.expert for one in seats) < 2:
            yield Problem(name, "no fewer than two inspectors go", "执法人员不得少于两人")
        if len({one.name for one in seats}) != len(seats):
            yield Problem(name, "a seat is named twice", "席位名称重复")


def _unknown(field: str, name: str) -> Problem:
    return Problem(
        field,
        f"{name!r} is none of {', '.join(DIMENSIONS)}, division:2|4|6|9|12",
        f"{name!r} 不是可用维度（{'、'.join(DIMENSIONS)}、division:2|4|6|9|12）",
    )
