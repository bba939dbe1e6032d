"""What follows the visits (后续): concluded, ordered, sent out again, published and checked."""

import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from backend.wire import AssignedLine, InspectionView, Ticked
from cli.demo.bureau import Bureau, environment_of, evenhand, read
from cli.demo.crew import Phase, sync_all
from cli.demo.visits import SITES, Site, crew
from cli.output import text


def conclude(bureau: Bureau, sites: Sequence[Site]) -> None:
    """Print a record, conclude by the checklists, review, and send out again where it failed."""
    story = bureau.story
    _print(bureau, sites[0])
    rows: list[tuple[object, ...]] = []
    orders = 0
    for site in sites:
        words = ("inspection", "conclude", site.id)
        view = read(bureau.office("supervisor", *words), InspectionView)
        assert view.conclusion is not None
        if view.order is not None and site.failing:
            orders += 1
        photos = [f"--photo={one.sha256}" for one in view.evidence if one.arrived and not one.flag]
        bureau.office("reviewer", "inspection", "review", site.id, "--approve", *photos)
        said = view.conclusion.label or view.conclusion.result_label
        label = text(said.en, said.zh)
        due = f"{view.order.due_on} ({view.order.working_days})" if view.order else ""
        rows.append((site.place, site.name, label, " ".join(view.verdict.failed), due))
    story.table(
        (
            ("no.", "签序"),
            ("site", "检查对象"),
            ("outcome", "检查结果"),
            ("failed items", "不合格项"),
            ("put right by (working days)", "整改期限（工作日）"),
        ),
        rows,
    )
    story.check(
        orders == 1,
        "the failed site has a rectification order (责令整改) due in working days",
        "不符合的单位已责令整改，期限按工作日计算",
    )
    _send_again(bureau, sites[0])
    story.check(
        len({row[2] for row in rows}) == SITES,
        "three outcomes by the checklist's own rules, approved by a reviewer who did not inspect",
        "依检查表规则得出三种结果，由未参与检查的审核人员批准",
    )


def _print(bureau: Bureau, site: Site) -> None:
    """Print the record on a device and at the office, and compare what came of it."""
    view = read(
        bureau.office("supervisor", "inspection", "show", site.id, quiet=True), InspectionView
    )
    quoted = [one.violation for one in view.findings if one.violation and one.catalogue]
    arrivals = view.on_site.arrivals or ()
    bureau.story.check(
        len(arrivals) == len(site.pair) and quoted != [],
        f"both arrived (扫码入企); {' '.join(quoted)} is quoted from the catalogue (违法行为清单)",
        f"两名执法人员均已扫码入企；问题引用违法行为清单 {' '.join(quoted)}",
    )
    here, device = bureau.folder / "record.pdf", bureau.folder / "record-device.pdf"
    printing = Phase(site.pair[0], "print", site.id, device)
    bureau.office("supervisor", "inspection", "print", site.id, "--output", here)
    printing.printed()
    bureau.story.check(
        here.read_bytes() == device.read_bytes(),
        f"office and device print the same record (现场检查笔录), {here.stat().st_size:,} bytes",
        f"机关与终端打印的现场检查笔录逐字节一致，共 {here.stat().st_size:,} 字节",
    )


def _send_again(bureau: Bureau, site: Site) -> None:
    """Let the server tick ahead to the day after the term, and the pair hear of it."""
    view = read(
        bureau.office("supervisor", "inspection", "show", site.id, quiet=True), InspectionView
    )
    assert view.order is not None
    after = max(one.due_on for one in view.order.remedies) + timedelta(days=1)
    words = ["server", "tick", "--ahead", f"{after}"]
    bureau.story.command(f"evenhand {' '.join(words)}", "timer")
    ticked = read(evenhand([*words, "--json"], environment_of(bureau.folder)), Ticked)
    listed = read(
        bureau.office("supervisor", "task", "list", "--origin", "recheck", quiet=True),
        list[AssignedLine],
    )
    made = [one for one in listed if one.follows == site.id and one.id in ticked.rechecks]
    held = sync_all(site.pair, bureau.url).values()
    failed = set(view.order.items)
    bureau.story.check(
        len(made) == 1 and all(set(one.must.get(made[0].id, ())) == failed for one in held),
        f"the tick sends the pair out again (复查), for {' '.join(view.order.items)}",
        f"到期办理已生成复查任务并送达，必查项目 {' '.join(view.order.items)}",
    )


def publish(bureau: Bureau, sites: Sequence[Site]) -> None:
    """Publish, and let a stranger check it."""
    story, public = bureau.story, bureau.folder / "public"
    bureau.office("reviewer", "publish", "--to", public)
    people = [member.name for member in crew(sites)] + ["张某"]
    pages = [path for path in public.rglob("*") if path.suffix in (".html", ".json")]
    leaked = [path for path in pages if any(one in _but(path, sites) for one in people)]
    results = [path for path in pages if any(site.id in path.name for site in sites)]
    story.command(f"evenhand verify all {bureau.short(public)}", "anyone")
    verified = subprocess.run(
        [sys.executable, "-m", "cli", "verify", "all", public], capture_output=True, text=True
    )
    story.check(
        verified.returncode == 0,
        "files, signature, links, photos and the draw behind every result verify offline (复核)",
        "文件、签名、链接、照片及每项结果所依据的抽取均可离线复核",
    )
    page = bureau.short(public / "index.html")
    story.tell(f"Open {page}", f"请打开 {page}")
    story.check(
        bool(results) and not leaked,
        f"{len(pages)} pages and files without the name of anyone who inspected or signed",
        f"{len(pages)} 个页面与文件，不含任何检查或签名人员姓名",
    )


def _but(path: Path, sites: Sequence[Site]) -> str:
    """Read a page without the names of the sites, in which a person's name may occur."""
    page = path.read_text("utf-8")
    for site in sites:
        page = page.replace(site.name, "")
    return page
