"""公示材料: a publication as a folder of static files that proves itself, offline.

index.html  feed.json           the list, for people and for readers (JSON Feed 1.1)
results/<id>.html  <id>.json    one result
replaced/<id>-<n>.json          what was published before it was corrected (更正)
withheld/<id>-<n>.json          or a notice in its place (撤下)
photos/<id>/<n>.jpg             pictures without metadata
draws/<draw>/…                  the bundle of the draw that chose the site
verify/<draw>.html  verify.js   the page on which a visitor verifies it in the browser
MANIFEST.sha256  MANIFEST.sig   every file's hash, signed by the key that signed the draws
"""

import re
from collections.abc import Callable, Iterable, Mapping
from html import escape
from posixpath import dirname, join, normpath

import msgspec

from backend.rules import bundle, canonical, corrections, draw_page, events, papers, verification
from backend.rules.chain import summed
from backend.rules.differences import Differs
from backend.rules.disclosure import (
    Corrects,
    DrawLink,
    Result,
    Scored,
    Withheld,
    jpeg_metadata,
    leaks,
)
from backend.rules.verification import Step
from sync import codec
from sync.checklist import Text
from sync.origins import WORDS

Files = dict[str, bytes]

FEED_VERSION = "https://jsonfeed.org/version/1.1"
TITLE = Text("Results of random inspections", "随机抽查检查结果公示")
SIGNATURE_FILES = ("MANIFEST.sha256", "MANIFEST.sig")

_LINK = re.compile(r'(?:href|src)="([^"]*)"')
_STYLE = (
    "body{font:16px/1.6 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}td,th{border:1px solid #bbb;padding:.3rem .6rem;"
    "text-align:left;vertical-align:top}img{max-width:100%}.en{color:#555}code{overflow-wrap:anywhere}"
    "h1 .en{display:block;font-size:60%;font-weight:normal}"
    "@media(max-width:34rem){body{margin:1rem auto}td,th{padding:.2rem .4rem}}"
)


class FeedItem(msgspec.Struct, frozen=True):
    """One result in the feed."""

    id: str
    url: str
    title: str
    content_text: str
    date_published: str


class FeedKey(msgspec.Struct, frozen=True):
    """Our extension: the key that signs."""

    key: str


class Feed(msgspec.Struct, frozen=True):
    """feed.json."""

    version: str
    title: str
    items: tuple[FeedItem, ...]
    ours: FeedKey = msgspec.field(name="_evenhand")


def write(
    results: list[Result],
    draws: Mapping[str, Mapping[str, bytes]],
    photos: Mapping[str, bytes],
    *,
    replaced: Mapping[str, bytes] | None = None,
    withheld: Iterable[Withheld] = (),
    script: bytes,
    secret: str,
) -> Files:
    """Write a publication; `draws` are public bundles by id, `photos` JPEGs by path.

    `script` verifies a draw in the browser, on the page that each draw has; `replaced` are the
    results that were corrected since, by path, exactly as they were published; `withheld` tell of
    those that are not shown any more.
    """
    notices = {corrections.withheld_path(one.id, one.n): one for one in withheld}
    ordered = sorted(results, key=lambda one: (one.published_on, one.id), reverse=True)
    files: Files = {
        "index.html": _index(ordered),
        "feed.json": _feed(ordered, key=codec.public_key(secret)),
    }
    for one in ordered:
        files[f"results/{one.id}.json"] = encode(one)
        files[f"results/{one.id}.html"] = _page(one, notices)
    files |= {path: encode(one) for path, one in notices.items()}
    if draws:
        files[f"verify/{draw_page.SCRIPT}"] = script
    for draw, pieces in draws.items():
        files[f"verify/{draw}.html"] = draw_page.write(
            draw,
            bundle.commit_hash(pieces),
            bundle=f"../draws/{draw}/",
            script=draw_page.SCRIPT,
            tally=events.tally_of(pieces),
        )
        for name, body in pieces.items():
            if name not in papers.AUDITOR_ONLY:
                files[f"draws/{draw}/{name}"] = body
    return bundle.seal(files | dict(photos) | dict(replaced or {}), secret)


def encode(said: Result | Withheld) -> bytes:
    """Write a result, or what stands in its place, as it is published."""
    return msgspec.json.format(msgspec.json.encode(said), indent=1) + b"\n"


def _feed(results: list[Result], *, key: str) -> bytes:
    feed = Feed(
        version=FEED_VERSION,
        title=f"{TITLE.zh} · {TITLE.en}",
        items=tuple(
            FeedItem(
                id=one.id,
                url=f"results/{one.id}.html",
                title=f"{one.site.name}：{one.result.label.zh} · {one.result.label.en}",
                content_text=_content(one),
                date_published=f"{one.published_on.isoformat()}T00:00:00+08:00",
            )
            for one in results
        ),
        ours=FeedKey(key),
    )
    return msgspec.json.format(msgspec.json.encode(feed), indent=1) + b"\n"


def _content(one: Result) -> str:
    said = (one.outcome or one.result).label
    told = f"{said.zh} · {said.en}"
    return f"更正 · Correction: {told}" if one.corrects else told


# -- pages ---------------------------------------------------------------------------------------


def _both(text: Text) -> str:
    return f'{escape(text.zh)} <span class="en" lang="en">{escape(text.en)}</span>'


def _document(title: Text, body: str) -> bytes:
    return (
        f'<!doctype html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title.zh)} · {escape(title.en)}</title><style>{_STYLE}</style></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    ).encode()


def _row(name: Text, value: str) -> str:
    return f"<tr><th>{_both(name)}</th><td>{value}</td></tr>"


def _index(results: list[Result]) -> bytes:
    rows = "\n".join(
        f'<tr><td><a href="results/{escape(one.id)}.html">{escape(one.site.name)}</a><br>'
        f"<code>{escape(one.site.code)}</code></td><td>{_both(one.result.label)}</td>"
        f"<td>{one.published_on.isoformat()}</td></tr>"
        for one in results
    )
    head = "".join(
        f"<th>{_both(one)}</th>"
        for one in (
            Text("Business", "检查对象"),
            Text("Result", "检查结果"),
            Text("Published", "公示日期"),
        )
    )
    return _document(
        TITLE,
        f"<h1>{_both(TITLE)}</h1>\n<table><tr>{head}</tr>\n{rows}\n</table>\n"
        '<p><a href="feed.json">feed.json</a> · <a href="MANIFEST.sha256">MANIFEST.sha256</a></p>',
    )


def _page(one: Result, notices: Mapping[str, Withheld]) -> bytes:
    failed = "".join(
        f"<li>{escape(item.ref)}{' ★' if item.key else ''} {_both(item.text)}<br>"
        f"<small>{_both(item.basis)}</small></li>"
        for item in (*one.failed, *(item for part in one.parts for item in part.failed))
    )
    counted = Text(
        f"{one.counts.passed} passed, {one.counts.failed} failed, "
        f"{one.counts.not_applicable} not applicable",
        f"合格 {one.counts.passed} 项，不合格 {one.counts.failed} 项，"
        f"不适用 {one.counts.not_applicable} 项",
    )
    rows = [
        _row(Text("Business", "检查对象"), escape(one.site.name)),
        _row(Text("Code", "统一社会信用代码/编号"), f"<code>{escape(one.site.code)}</code>"),
        _row(
            Text("Checklist", "检查表"),
            f"{_both(one.checklist.title)} {escape(one.checklist.version)}",
        ),
        _row(Text("Items", "检查项"), _both(counted)),
        _row(Text("Result", "检查结果"), _both(one.result.label)),
        _row(Text("Formed on", "结果形成日期"), one.formed_on.isoformat()),
        _row(Text("Published on", "公示日期"), one.published_on.isoformat()),
        _row(Text("To be published by", "公示期限"), one.due_on.isoformat()),
    ]
    if one.outcome is not None:
        said = _both(one.outcome.label) + _scored(one.scores)
        rows.insert(4, _row(Text("Verdict", "检查结论"), said))
    if one.corrects is not None:
        rows.append(_row(Text("Correction", "更正"), _corrected(one.id, one.corrects, notices)))
    for part in one.parts:
        who = "、".join(part.departments)
        said = _both(part.outcome.label) + _scored(part.scores) if part.outcome else "–"
        rows.append(
            _row(
                Text(f"Verdict of {who}", f"{who}检查结论"),
                f"{said}<br><small>{_both(part.checklist.title)} "
                f"{escape(part.checklist.version)}</small>",
            )
        )
    if one.order is not None:
        put_right = Text(
            f"items {', '.join(one.order.items)} by {one.order.due_on.isoformat()}",
            f"第 {'、'.join(one.order.items)} 项，限 {one.order.due_on.isoformat()} 前改正",
        )
        rows.append(_row(Text("Ordered to put right", "责令整改"), _both(put_right)))
    how = ""
    if one.draw is not None:
        rows.append(_chosen(one.draw))
        how = _how(one.draw, one.site.code)
    elif one.origin is not None:
        rows.append(_row(Text("Visited because", "检查缘由"), _both(one.origin.label)))
    photos = "".join(f'<p><img src="../{escape(path)}" alt=""></p>' for path in one.photos)
    listed = f"<h2>{_both(Text('What failed', '不合格项'))}</h2><ul>{failed}</ul>" if failed else ""
    return _document(
        TITLE,
        f'<p><a href="../index.html">{_both(TITLE)}</a></p><h1>{escape(one.site.name)}</h1>\n'
        f"<table>{''.join(rows)}</table>\n{how}\n{listed}\n{photos}\n"
        f'<p><a href="{escape(one.id)}.json">JSON</a></p>',
    )


def _scored(scores: Iterable[Scored]) -> str:
    """Write the figures that led to a verdict, one a line."""
    return "".join(
        f"<br><small>{_both(Text(f'{one.label.en}: {one.value}', f'{one.label.zh}：{one.value}'))}"
        "</small>"
        for one in scores
    )


def _corrected(id: str, corrects: Corrects, notices: Mapping[str, Withheld]) -> str:
    """Tell why a result was corrected, beside what it replaced or why that is withheld."""
    day = corrects.published_on.isoformat()
    before = Text(f"as published on {day}", f"{day} 公示的原结果")
    path, why = corrections.replaced_path(id, corrects.n), ""
    if notice := notices.get(corrections.withheld_path(id, corrects.n)):
        path = corrections.withheld_path(id, corrects.n)
        since = notice.withheld_on.isoformat()
        gone = Text(f"withheld on {since}", f"已撤下（{since}）")
        why = f"<br>{_both(gone)}<br>{escape(notice.reason)}"
    return f'{escape(corrects.reason)}<br><a href="../{escape(path)}">{_both(before)}</a>{why}'


def _chosen(draw: DrawLink) -> str:
    place = Text(f"place {draw.place} in draw", f"抽取第 {draw.place} 位")
    folder = f"../draws/{escape(draw.id)}"
    return _row(
        Text("Chosen by", "抽取依据"),
        f'{_both(place)} <a href="{folder}/selection.tsv"><code>{escape(draw.id)}</code></a><br>'
        f'<a href="{folder}/commit.json"><code>{escape(draw.commit_hash)}</code></a>',
    )


def _how(draw: DrawLink, code: str) -> str:
    """Tell how to check a draw."""
    check = Text(
        "To check this draw, install evenhand, fetch this folder and run the line above; "
        "it uses nothing but the files.",
        "复核本次抽取：安装 evenhand，下载本目录并执行上一行命令；复核只使用目录中的文件。",
    )
    page = Text("Verify it in the browser", "在浏览器中复核")
    return (
        f'<p><a href="../verify/{escape(draw.id)}.html">{_both(page)}</a></p>'
        f"<p><code>evenhand verify draw --public draws/{escape(draw.id)} "
        f"--id {escape(code)}</code><br><small>{_both(check)}</small></p>"
    )


# -- verification --------------------------------------------------------------------------------


def verify(files: Mapping[str, bytes], *, every_step: bool = False) -> list[Step]:
    """Check a publication from its files alone; `every_step`: list all that each draw proves."""
    steps: list[Step] = []
    for name, check in _CHECKS:
        try:
            en, zh = check(files)
        except Differs as fault:
            steps.append(Step(name, False, fault.en, fault.zh))
        except (msgspec.DecodeError, ValueError, LookupError, RecursionError) as fault:
            zh = f"无法读取或格式不符（技术信息：{fault}）。"
            steps.append(Step(name, False, f"Cannot be read: {fault}", zh))
        else:
            steps.append(Step(name, True, en, zh))
    for draw in sorted(_draws(files)):
        found = verification.verify(_bundle(files, draw), public=True)
        name = f"draw …{draw[-6:]}"  # the beginnings of identifiers are times, much alike
        if every_step:
            steps += [Step(f"{name} {one.name}", one.ok, one.en, one.zh) for one in found]
        else:
            steps.append(summed(name, found))
    return steps


def _results(files: Mapping[str, bytes], folder: str = "results/") -> list[Result]:
    return [
        msgspec.json.decode(body, type=Result)
        for name, body in sorted(files.items())
        if name.startswith(folder) and name.endswith(".json")
    ]


def _draws(files: Mapping[str, bytes]) -> set[str]:
    return {name.split("/")[1] for name in files if name.startswith("draws/")}


def _bundle(files: Mapping[str, bytes], draw: str) -> Files:
    prefix = f"draws/{draw}/"
    return {
        name.removeprefix(prefix): body for name, body in files.items() if name.startswith(prefix)
    }


def _check_manifest(files: Mapping[str, bytes]) -> tuple[str, str]:
    expected = bundle.manifest({n: b for n, b in files.items() if n not in SIGNATURE_FILES})
    found = files["MANIFEST.sha256"]
    if found != expected:
        wrong = sorted(set(found.splitlines()) ^ set(expected.splitlines()))
        name = wrong[0].decode("utf-8", "replace")[66:] if wrong else "MANIFEST.sha256"
        raise Differs(f"{name} is not what the manifest lists.", f"{name} 与清单不符。")
    return f"{len(files) - 2} files are as listed.", f"{len(files) - 2} 个文件与清单一致。"


def _check_signature(files: Mapping[str, bytes]) -> tuple[str, str]:
    key = msgspec.json.decode(files["feed.json"], type=Feed).ours.key
    signature = files["MANIFEST.sig"].decode("ascii").strip()
    if not codec.verifies(key, files["MANIFEST.sha256"], signature):
        raise Differs("The signature is not right.", "签名不正确。")
    for draw in _draws(files):
        if papers.read(files[f"draws/{draw}/commit.json"], papers.Commit).key != key:
            raise Differs(
                f"Draw {draw} was committed to with another key.", f"抽取 {draw} 使用了其他密钥。"
            )
    return f"Signed by {key[:16]}….", f"由 {key[:16]}… 签名。"


def _check_results(files: Mapping[str, bytes]) -> tuple[str, str]:
    results = _results(files)
    listed = {item.id for item in msgspec.json.decode(files["feed.json"], type=Feed).items}
    for one in results:
        here = f"results/{one.id}"
        if f"{here}.json" not in files or f"{here}.html" not in files or one.id not in listed:
            raise Differs(f"Result {one.id} is not complete.", f"结果 {one.id} 不完整。")
        if one.published_on > one.due_on:
            raise Differs(f"Result {one.id} was published late.", f"结果 {one.id} 逾期公示。")
    if len(listed) != len(results):
        raise Differs("The feed lists other results.", "列表与结果不一致。")
    en, zh = f"Results, complete: {len(results)}", f"结果完整：{len(results)} 条"
    if withheld := corrections.require_traced(files, results):
        en, zh = f"{en}; withheld: {withheld}", f"{zh}；更正前的公示已撤下 {withheld} 条"
    return f"{en}.", f"{zh}。"


def _check_links(files: Mapping[str, bytes]) -> tuple[str, str]:
    count = 0
    for name, body in files.items():
        if not name.endswith(".html"):
            continue
        for link in _LINK.findall(body.decode()):
            goal = normpath(join(dirname(name), link))
            if goal not in files:
                raise Differs(
                    f"{name} links to {link}, which is not here.", f"{name} 中的链接 {link} 无效。"
                )
            count += 1
    return (
        f"Links, all to files of this folder: {count}.",
        f"{count} 个链接均指向本目录内文件。",
    )


def _check_privacy(files: Mapping[str, bytes]) -> tuple[str, str]:
    said: list[Result | Withheld] = [*_results(files), *_results(files, corrections.REPLACED)]
    for one in [*said, *corrections.notices(files)]:
        if found := leaks(one):
            raise Differs(
                f"Result {one.id} has a personal number in {found[0]}.",
                f"结果 {one.id} 的 {found[0]} 含有个人信息。",
            )
    photos = {name: body for name, body in files.items() if name.startswith("photos/")}
    named = {path for one in _results(files) for path in one.photos}
    if named != photos.keys():
        raise Differs("Photos and results do not fit.", "照片与结果不对应。")
    for name, body in photos.items():
        if found := jpeg_metadata(body):
            raise Differs(f"{name} carries {found[0]}.", f"{name} 含有元数据 {found[0]}。")
    return (
        f"No personal numbers; photos, all without metadata: {len(photos)}.",
        f"无个人号码；{len(photos)} 张照片均不含元数据。",
    )


def _check_choice(files: Mapping[str, bytes]) -> tuple[str, str]:
    results = _results(files)
    for one in results:
        if one.draw is None:
            _require_origin(one)
            continue
        pieces = _bundle(files, one.draw.id)
        if canonical.digest(pieces["MANIFEST.sha256"]) != one.draw.bundle_sha256:
            raise Differs(
                f"Result {one.id} names another bundle.", f"结果 {one.id} 所引抽取材料不一致。"
            )
        if bundle.commit_hash(pieces) != one.draw.commit_hash:
            raise Differs(f"Result {one.id} names another draw.", f"结果 {one.id} 所引承诺不一致。")
        rows = [line.split("\t") for line in pieces["selection.tsv"].decode().splitlines()]
        drawn = [row[2] for row in rows if row[4] == "P"]
        chosen = {code: place for place, code in enumerate(drawn, start=1)}
        if chosen.get(one.site.code) != one.draw.place:
            raise Differs(
                f"{one.site.code} was not drawn at place {one.draw.place}.",
                f"{one.site.code} 并非抽取第 {one.draw.place} 位。",
            )
    counted = sum(one.draw is not None for one in results)
    en = f"Sites, all chosen by the draws they name: {counted}."
    zh = f"{counted} 个检查对象均由所引抽取产生。"
    if counted < len(results):
        en += f" Visited for a reason that is named: {len(results) - counted}."
        zh += f"另有 {len(results) - counted} 个对象非抽取产生，均注明检查缘由。"
    return en, zh


def _require_origin(one: Result) -> None:
    """Refuse a result that says neither which draw chose the site nor why it was visited."""
    words: dict[str, Text] = {name: word for name, word in WORDS.items() if name != "draw"}
    if one.origin is None or words.get(one.origin.code) != one.origin.label:
        raise Differs(
            f"Result {one.id} does not say why the site was visited.",
            f"结果 {one.id} 未注明检查缘由。",
        )


_CHECKS: list[tuple[str, Callable[[Mapping[str, bytes]], tuple[str, str]]]] = [
    ("manifest", _check_manifest),
    ("signature", _check_signature),
    ("results", _check_results),
    ("links", _check_links),
    ("privacy", _check_privacy),
    ("choice", _check_choice),
]
