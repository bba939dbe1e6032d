"""同一对象识别: may two records be one establishment? Evidence and a score, never a merger. Pure.

Only the same code is certain. Everything else is a suspicion for people to decide upon: shops of
one chain share a name, tenants of one market share an address, and premises change hands.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from math import asin, cos, radians, sin, sqrt

from msgspec import Struct
from rapidfuzz import fuzz

from backend.rules.names import fold, initials
from sync.coordinates import convert

SUSPICIOUS = 80  # of 100: what is worth a person's time
ALIKE_NAME = 80
ALIKE_PLACE = 70
FAR_M = 500
NEAR_M = 100  # one place: so far a point may be off
BLOCK_MAX = 60  # candidates under one key; more than that share it by chance, such as a chain

_earth_m = 6_371_000
_cell = 0.002  # degrees: about 200 m
_brackets = re.compile(r"[(（]([^()（）]{1,20})[)）]")
_latin_forms = re.compile(
    r"\b(?:ltd|limited|plc|llp|llc|inc|incorporated|corp|corporation|co|company|the|and|uk|"
    r"trading as|t/a)\b\.?",
    re.IGNORECASE,
)
_form = re.compile(
    r"(?:股份有限公司|有限责任公司|有限公司|股份公司|集团公司|总公司|公司|普通合伙|有限合伙|合伙企业|"
    r"农民专业合作社|专业合作社|合作社|个体工商户|经营部|经销部|门市部|服务部|商行|商店|工作室)$"
)
_branch = re.compile(
    r"^(.{2,}?(?:公司|集团|合作社))(.{1,20}(?:分公司|分店|店|部|厂|站|中心|门市))$"
)
_region = re.compile(
    r"^(?:[^\W\d]{2,3}省|[^\W\d]{2,3}自治区)?(?:[^\W\d]{2,3}市)?(?:[^\W\d]{1,3}[区县])?"
)
_trades = re.compile(
    r"(?:餐饮|食品|商贸|贸易|水产|果蔬|蔬菜|粮油|副食|冷链|冷藏|冷冻|仓储|物流|供应链|酒店|饭店|酒楼|"
    r"餐厅|餐馆|面馆|小吃|快餐|火锅|烘焙|糕点|超市|便利|百货|批发|零售|农贸|农副产品|菜|市场|冷库|"
    r"管理|服务|销售|配送|加工|连锁|发展|实业|科技|店|部)+$"
)
_house = re.compile(r"([^\x00-\x7f]{0,3})([0-9]+)\s*([a-z]{0,4})")  # 文三路12, 361 oakw
_numbers = re.compile(r"[0-9]+")
_ordinals = re.compile(r"[0-9]+|[一二三四五六七八九十]+|\b[a-z]\b")


class Parts(Struct, frozen=True):
    """A company's name in its parts: 行政区划, 字号, 行业, 组织形式, and the branch (分支机构)."""

    region: str
    trade_name: str
    trade: str
    form: str
    branch: str


class Candidate(Struct, frozen=True):
    """What two records are compared by."""

    id: str
    code: str
    name: str
    address: str = ""
    division: str = ""
    licences: tuple[str, ...] = ()
    longitude: float | None = None
    latitude: float | None = None
    datum: str = ""


class Evidence(Struct, frozen=True):
    """Why two records may be one; likeness from 0 to 100, none where nothing is known."""

    code: bool = False
    licence: str = ""
    name: int = 0
    trade_name: int = 0
    address: int | None = None
    metres: int | None = None
    branches_differ: bool = False
    division: bool = False  # the same, as exactly as it is known
    numbers_differ: bool = False  # in the address: 12号 is not 14号
    names_numbered: bool = False  # apart: 一店 and 二店, Stand 4 and Stand 18


class Match(Struct, frozen=True):
    """Two records, how much speaks for their being one, and whether that is beyond doubt."""

    first: str
    second: str
    score: int
    certain: bool
    evidence: Evidence


def parts(name: str, address: str = "") -> Parts:
    """Part a company's name; `address` helps to tell a region that is written without 市 or 县."""
    name = _half_width(name)
    bracketed = "".join(_brackets.findall(name))
    whole = fold(_brackets.sub("", _latin_forms.sub(" ", name)))
    branch, form, trade = fold(bracketed), "", ""
    if found := _branch.match(whole):
        whole, branch = found[1], branch + found[2]
    if found := _form.search(whole):
        whole, form = whole[: found.start()], found[0]
    region = _region_of(whole, fold(address))
    left = whole[len(region) :]
    if (found := _trades.search(left)) and found.start() >= 2:
        left, trade = left[: found.start()], found[0]
    return Parts(region, " ".join(left.split()), trade, form, branch)


def judge(one: Candidate, two: Candidate) -> Match:
    """Weigh what speaks for two records being one establishment."""
    first, second = sorted((one.id, two.id))
    if one.code and one.code == two.code:
        evidence = Evidence(code=True, name=round(fuzz.ratio(fold(one.name), fold(two.name))))
        return Match(first, second, 100, True, evidence)
    evidence = _evidence(one, two)
    return Match(first, second, _score(evidence), False, evidence)


def suspects(candidates: Iterable[Candidate], *, minimum: int = SUSPICIOUS) -> list[Match]:
    """Find the pairs among these that may be one establishment, the likeliest first."""
    known: dict[str, Candidate] = {}
    blocks: dict[str, list[str]] = defaultdict(list)
    for one in candidates:
        known[one.id] = one
        for key in set(_keys(one)):
            blocks[key].append(one.id)
    pairs = {tuple(sorted(pair)) for pair in _pairs(blocks)}
    found = [judge(known[one], known[two]) for one, two in pairs]
    likely = [match for match in found if match.score >= minimum]
    return sorted(likely, key=lambda match: (-match.score, match.first, match.second))


class Newcomers:
    """Candidates that are compared with those who are known, but not with one another."""

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        self._blocks: dict[str, list[Candidate]] = defaultdict(list)
        self._met: dict[str, int] = defaultdict(int)
        for one in candidates:
            for key in set(_keys(one)):
                self._blocks[key].append(one)

    def suspects(
        self, known: Iterable[Candidate], *, minimum: int = SUSPICIOUS
    ) -> Iterator[tuple[Candidate, Match]]:
        """Find who resembles one of these; a key that too many share says nothing."""
        for other in known:
            seen: set[str] = set()
            for key in set(_keys(other)):
                members = self._blocks.get(key, ())
                self._met[key] += bool(members)
                if self._met[key] + len(members) > BLOCK_MAX:
                    continue
                for one in members:
                    if one.id not in seen and one.id != other.id:
                        seen.add(one.id)
                        match = judge(one, other)
                        if match.score >= minimum:
                            yield one, match


def identity(name: str, address: str) -> str:
    """Give what is the same for one name at one address however written; empty if one lacks."""
    named, placed = ("".join(fold(text).split()) for text in (name, address))
    return f"{named}\n{placed}" if named and placed else ""


def apart(one: Candidate, two: Candidate) -> bool:
    """Tell whether two points, as far as both are known, are too far apart for one place."""
    metres = _metres(one, two)
    return metres is not None and metres > NEAR_M


def _evidence(one: Candidate, two: Candidate) -> Evidence:
    a, b = parts(one.name, one.address), parts(two.name, two.address)
    shared = sorted({*one.licences} & {*two.licences})
    street, other = fold(one.address), fold(two.address)
    known = bool(street and other)
    return Evidence(
        licence=shared[0] if shared else "",
        name=round(_written_alike(_bare(one.name), _bare(two.name))),
        trade_name=round(max(_alike(x, y) for x, y in _trade_names(a, b))),
        address=round(fuzz.token_sort_ratio(street, other)) if known else None,
        metres=_metres(one, two),
        division=bool(one.division) and one.division == two.division,
        branches_differ=bool(a.branch and b.branch and a.branch != b.branch),
        numbers_differ=known and _differ(_numbers, street, other),
        names_numbered=_differ(_ordinals, fold(one.name), fold(two.name)),
    )


def _trade_names(a: Parts, b: Parts) -> Iterator[tuple[str, str]]:
    """Pair the trade names, also with a region before one that has it in brackets: 海川（杭州）."""
    yield a.trade_name, b.trade_name
    if a.branch and not b.branch:
        yield a.branch + a.trade_name, b.trade_name
    if b.branch and not a.branch:
        yield a.trade_name, b.branch + b.trade_name


def _score(evidence: Evidence) -> int:
    """Weigh name and place; where one of them speaks against it, nobody needs to look."""
    if evidence.licence:
        return 95
    name = 0.5 * evidence.name + 0.5 * evidence.trade_name
    if evidence.address is None and evidence.metres is None and evidence.division and name == 100:
        return SUSPICIOUS  # one may be anywhere, so nothing speaks against it
    place = max(_near(evidence), 0 if evidence.numbers_differ else evidence.address or 0)
    far = evidence.metres is not None and evidence.metres > FAR_M
    against = far or place < ALIKE_PLACE or name < ALIKE_NAME
    if against or evidence.branches_differ or evidence.names_numbered:
        return round(min(0.6 * name + 0.4 * place, SUSPICIOUS - 1))
    return round(0.6 * name + 0.4 * place)


def _near(evidence: Evidence) -> int:
    """Weigh the distance; a point is good for about 20 m, or for the next door's number."""
    metres = evidence.metres
    if metres is None or (evidence.numbers_differ and metres > 20):
        return 0
    return 100 if metres <= 20 else 90 if metres <= 60 else 70 if metres <= 200 else 0


def _alike(one: str, two: str) -> float:
    """Compare trade names; homophones count, because names are also written by ear (同音字)."""
    plain = _written_alike(one, two)
    if len(one) >= 2 and initials(one) and initials(one) == initials(two):
        plain = max(plain, 80.0)
    return plain


def _written_alike(one: str, two: str) -> float:
    """Compare in any order of words, and without their spaces."""
    solid = fuzz.ratio(one.replace(" ", ""), two.replace(" ", ""))
    return max(fuzz.token_sort_ratio(one, two), solid)


def _half_width(name: str) -> str:
    """Write full-width letters as others are, so that Ｌｔｄ is known as Ltd."""
    return name if name.isascii() else unicodedata.normalize("NFKC", name)


def _bare(name: str) -> str:
    return " ".join(fold(_latin_forms.sub(" ", _half_width(name))).split())


def _differ(which: re.Pattern[str], one: str, two: str) -> bool:
    """Tell whether both name numbers, and neither has all of the other's."""
    first, second = {*which.findall(one)}, {*which.findall(two)}
    return not (first <= second or second <= first)


def _metres(one: Candidate, two: Candidate) -> int | None:
    """Measure the distance between two points whose datum is known, or the same unknown one."""
    first, second = _point(one, two.datum), _point(two, one.datum)
    if first is None or second is None:
        return None
    north, south = radians(first[0]), radians(second[0])
    east = radians(second[1] - first[1])
    chord = sin((south - north) / 2) ** 2 + cos(north) * cos(south) * sin(east / 2) ** 2
    return round(2 * _earth_m * asin(sqrt(min(chord, 1.0))))


def _point(one: Candidate, datum: str) -> tuple[float, float] | None:
    """Give latitude and longitude, in WGS-84 if the other's datum is not the same."""
    if one.longitude is None or one.latitude is None:
        return None
    to = one.datum if one.datum == datum else "WGS-84" if datum else "unknown"
    return convert(latitude=one.latitude, longitude=one.longitude, datum=one.datum, to=to)


def _region_of(name: str, address: str) -> str:
    found = _region.match(name)
    if found and len(found[0]) >= 2 and len(name) - len(found[0]) >= 2:
        return found[0]
    for size in (4, 3, 2):  # 杭州 of 浙江省杭州市…
        if not name.isascii() and len(name) > size + 1 and name[:size] in address[:12]:
            return name[:size]
    return ""


def _keys(one: Candidate) -> Iterator[str]:
    """Name the blocks within which a record is compared."""
    own = parts(one.name, one.address)
    bare = _bare(one.name).replace(" ", "")
    address = fold(one.address).replace(" ", "")
    yield f"n{bare}"
    yield from (f"l{number}" for number in one.licences)
    if address:
        yield f"a{address}"
    if found := _house.search(fold(one.address)):
        yield f"r{found[1]}{found[2]}{found[3]}"
    trade_name = own.trade_name.replace(" ", "")
    start = trade_name[: 4 if trade_name.isascii() else 2]
    if (sound := initials(trade_name)) and len(sound) >= 2:
        yield f"s{sound}{_first_number(address)}"
    if start:
        yield f"s{start}{_first_number(address)}"
        if one.longitude is not None and one.latitude is not None:
            # neighbouring cells overlap by half, so two near points share at least one
            for shift in (0.0, 0.5):
                x, y = one.longitude / _cell + shift, one.latitude / _cell + shift
                yield f"g{start}{shift}{round(x)}:{round(y)}"


def _first_number(address: str) -> str:
    found = _numbers.search(address)
    return found[0] if found else ""


def _pairs(blocks: Mapping[str, list[str]]) -> Iterator[tuple[str, str]]:
    for members in blocks.values():
        if 1 < len(members) <= BLOCK_MAX:
            yield from combinations(members, 2)
