"""版面: the words and rows of a list and of a notice, in one language, ready for the templates."""

from datetime import datetime
from urllib.parse import unquote

from backend.prints import typeset
from backend.prints.paper_words import Language
from backend.prints.sheet import Row, Sheet, Words, inspectors
from backend.prints.typeset import Fonts

WORDS: dict[str, Words] = {
    "list": ("Double-random inspection: the list", "“双随机、一公开”抽查检查对象名单"),
    "notice": ("Inspection notice", "检查任务通知"),
    "commitment": ("commitment", "承诺"),
    "strata": ("How many of each stratum", "各层名额"),
    "sites": ("Sites and inspectors", "检查对象与检查人员"),
    "your_sites": ("Your sites", "检查对象"),
    "checklists": ("Checklists, by digest", "检查表（以散列值标识）"),
    "check": ("Anyone can repeat this draw", "任何人均可复核"),
    "how": ("With the files of the draw:", "取得抽取档案包后执行："),
    "drawn_by": ("Drawn by", "抽取人"),
    "watched_by": ("Watched by", "监督人"),
    "received_by": ("Received by", "签收人"),
    "day": ("Date", "日期"),
    "duty": (
        "No fewer than two go together, and show their certificates first. Who is recused from a "
        "site says so at once, and does not go.",
        "检查时执法人员不得少于两人，并应先出示执法证件。与检查对象有利害关系的，应立即报告并回避。",
    ),
    "agency": ("agency", "抽查机关"),
    "number": ("number of its commitment", "承诺序号"),
    "drawn_at": ("drawn", "抽取时间"),
    "window": ("inspections", "检查时段"),
    "in_scope": ("in scope / could be drawn", "范围内／可抽取"),
    "drawn": ("drawn", "抽取"),
    "reserves": ("reserves", "候补"),
    "stratum": ("stratum", "层"),
    "eligible": ("could be drawn", "可抽取"),
    "excluded": ("excluded", "不参加抽取"),
    "no": ("No.", "序号"),
    "site": ("establishment", "检查对象"),
    "kind": ("category", "类别"),
    "risk": ("risk", "风险"),
    "region": ("division", "区划"),
    "people": ("inspectors", "检查人员"),
    "your_seat": ("your seat", "您的席位"),
    "partners": ("with", "同组人员"),
    "for": ("for", "检查人员"),
    "root": ("root of the frame", "抽样框根"),
    "seed": ("seed", "种子"),
    "source": ("source", "随机源"),
    "nonces": ("nonces of", "随机数提供方"),
    "scan": ("Check it here", "扫码复核"),
    "scan_hash": ("Hash of the commitment", "承诺散列值"),
    "all": ("all", "全部"),
    "rank": ("rank", "位次"),
    "ticket": ("ticket", "签号"),
    "address": ("address", "地址"),
    "code": ("code", "编号"),
    "name": ("name", "名称"),
    "certificate": ("certificate", "执法证号"),
    "seats": ("sites", "任务数"),
    "who": ("name", "姓名"),
    "created_at": ("committed", "承诺时间"),
}
COMMAND = "evenhand verify draw FOLDER"


def words(language: Language) -> dict[str, str]:
    """Give all words in one language."""
    return {name: pair[language == "zh"] for name, pair in WORDS.items()}


def list_data(sheet: Sheet, language: Language) -> dict[str, object]:
    """Arrange the list for its template."""
    w = words(language)
    zh = language == "zh"
    reserves = sum(one.reserves for one in sheet.counts)
    proof = [
        (w["commitment"], sheet.commit),
        (w["root"], sheet.frame_root),
        *((w["source"], f"{one.id} = {one.value}") for one in sheet.sources),
        (w["seed"], sheet.seed),
    ]
    if sheet.contributors:
        proof.append((w["nonces"], ", ".join(sheet.contributors)))
    return {
        **_common(sheet, language),
        "facts": [
            (w["agency"], sheet.agency_name),
            (w["number"], str(sheet.seq)),
            (w["drawn_at"], _moment(sheet.drawn_at)),
            (w["window"], window(sheet, language)),
            (w["in_scope"], f"{sheet.in_scope:,} / {sheet.eligible:,}"),
            (w["drawn"], f"{len(sheet.rows):,} · {w['reserves']} {reserves:,}"),
        ],
        "strata_head": [
            w["stratum"], w["eligible"], w["excluded"], w["drawn"], w["reserves"],
        ],
        "strata": [
            (stratum(one.stratum, language), one.eligible, one.excluded, one.drawn, one.reserves)
            for one in sheet.counts
        ],
        "rows_head": [w["no"], w["site"], f"{w['kind']} · {w['risk']}", w["people"]],
        "rows": [
            {
                "number": row.number,
                "id": row.id,
                "name": row.name,
                "address": row.address,
                "category": row.category,
                "where": f"{row.risk} · {row.region}",
                "seats": _people(row, ""),
            }
            for row in sheet.rows
        ],
        "proof": proof,
        "claims": [
            f"{one.id}{'：' if zh else ': '}{one.zh if zh else one.en}{'。' if zh else '.'}"
            for one in sheet.sources
        ],
    }  # fmt: skip


def notice_data(sheet: Sheet, who: str, rows: list[Row], language: Language) -> dict[str, object]:
    """Arrange the notice of one inspector for its template."""
    w = words(language)
    name = next(s.name for row in rows for s in row.seats if s.certificate == who)
    checklists = {(row.category, digest) for row in rows for digest in row.checklists}
    return {
        **_common(sheet, language),
        "who": _called(name, who, language),
        "facts": [
            (w["for"], _called(name, who, language)),
            (w["window"], window(sheet, language)),
            (w["drawn_at"], _moment(sheet.drawn_at)),
            (w["agency"], sheet.agency_name),
            (w["seats"], str(len(rows))),
        ],
        "rows_head": [w["no"], w["site"], w["your_seat"], w["partners"]],
        "rows": [
            {
                "number": row.number,
                "id": row.id,
                "name": row.name,
                "address": row.address,
                "where": f"{row.category} · {row.risk} · {row.region}",
                "seat": _of(next(s.position for s in row.seats if s.certificate == who)),
                "partners": _people(row, who),
            }
            for row in rows
        ],
        "checklists": sorted(checklists),
    }


def print_list(sheet: Sheet, fonts: Fonts, language: Language) -> bytes:
    """Set the list as PDF."""
    return typeset.pdf("list", list_data(sheet, language), changed_at(sheet), fonts)


def print_notices(sheet: Sheet, fonts: Fonts, language: Language) -> dict[str, bytes]:
    """Set a notice for each inspector, by certificate."""
    return {
        who: typeset.pdf(
            "notice", notice_data(sheet, who, rows, language), changed_at(sheet), fonts
        )
        for who, rows in inspectors(sheet).items()
    }


def changed_at(sheet: Sheet) -> datetime:
    """Give the time that the pages are dated: that of the last event."""
    return datetime.fromisoformat(sheet.changed_at)


def stratum(name: str, language: Language) -> str:
    """Name a stratum for people."""
    return words(language)["all"] if name == "all" else " / ".join(map(unquote, name.split("/")))


def window(sheet: Sheet, language: Language) -> str:
    """Say when the visits are."""
    return f"{sheet.opens_on} {'至' if language == 'zh' else 'to'} {sheet.closes_on}"


def file_name(certificate: str) -> str:
    """Make a certificate into a file name that no system minds."""
    return "".join(
        one if one.isalnum() or one in "-_" else f"%{ord(one):02X}" for one in certificate
    )


def _common(sheet: Sheet, language: Language) -> dict[str, object]:
    w = words(language)
    zh = language == "zh"
    return {
        "lang": language,
        "words": {**w, "command": COMMAND},
        "sheet": {
            "title": sheet.title, "agency": sheet.agency, "commit": sheet.commit,
        },
        "marks": [pair[zh] for pair in sheet.marks],
        "qr": typeset.code(sheet.address or sheet.commit),
        "scan": w["scan"] if sheet.address else w["scan_hash"],
    }  # fmt: skip


def _people(row: Row, but: str) -> list[tuple[str, str, str]]:
    """List the seats of a row: position, the name or else the certificate, the certificate."""
    return [
        (
            _of(seat.position, seat.department),
            seat.name or seat.certificate,
            seat.certificate if seat.name else "",
        )
        for seat in row.seats
        if seat.certificate != but
    ]


def _of(position: str, department: str = "") -> str:
    """Name a position without the digit that only orders it: `1主办` is 主办."""
    plain = position.lstrip("0123456789") or position
    return f"{department} {plain}".strip()


def _called(name: str, who: str, language: Language) -> str:
    if not name:
        return who
    return f"{name}（{who}）" if language == "zh" else f"{name} ({who})"


def _moment(text: str) -> str:
    return text[:16].replace("T", " ")
