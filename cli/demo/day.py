"""The day of a district bureau (区局的一天), chapter by chapter.

Everything goes through the doors that anyone would use: the commands of the office over HTTP, the
device's replica in processes of their own, the verifier on files. Nothing here touches a database.
"""

import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from secrets import randbelow

import click
import msgspec

from backend.rules.verification import Step, verify
from backend.wire import (
    ConflictView,
    DeviceView,
    DrawView,
    EntryView,
    ImportView,
    InspectionView,
    InviteView,
    PlanView,
    TaskView,
)
from cli.demo import aftermath
from cli.demo.bureau import FIXTURES, Bureau, read
from cli.demo.crew import Member, Phase, sync_all, write
from cli.demo.inspector import Synced
from cli.demo.story import Story
from cli.demo.visits import SITES, Site, crew, prepare, read_out, script, settling
from cli.demo.weather import relay
from cli.output import text
from cli.verify import read_bundle
from sync.checklist import digest, parse

FORMS = ("cold_store.toml", "food_sales.toml")  # whose items the visits of the day answer
CEREMONY = "hall-of-the-bureau"
FORGED = ("frame.tsv.gz", "commit.json", "randomness.json", "selection.tsv", "assignment.tsv")
CONTRIBUTORS = ("regulator", "notary")
KILL_AFTER, CUT_PUSH_AFTER, CUT_PHOTO_AFTER = 5, 900, 220_000
TWICE_MAX = 1.2  # of what the files have: their renditions, and what went twice for the cut


class Register(msgspec.Struct, frozen=True):
    """The register of the day, and whose district it is."""

    files: tuple[Path, ...] = (FIXTURES / "registers" / "establishments.csv",)
    mapping: Path = FIXTURES / "mappings" / "own.toml"
    division: str = "330106"


def run(bureau: Bureau, register: Register) -> None:
    """Live through the day."""
    story = bureau.story
    story.chapter("Admin: registers and checklists", "管理员：名录库与检查表")
    _registers(bureau, register)
    story.chapter("Supervisor: plan, commitment, draw", "主管：计划、承诺、抽取")
    plan = _draw(bureau, register)
    story.chapter("Inspectors: six devices, no network", "执法人员：六台终端，离线检查")
    sites = _sites(bureau, plan)
    _record(bureau, sites)
    story.chapter("Reconciliation: everyone syncs", "归集：全部终端同步")
    _reconcile(bureau, sites)
    story.chapter("Office: conclude, order, review", "机关：结论、责令整改、审核")
    aftermath.conclude(bureau, sites)
    story.chapter("Public: published, and checked by a stranger", "公示：公开并可由任何人复核")
    aftermath.publish(bureau, sites)


# -- 1 -------------------------------------------------------------------------------------------


def _registers(bureau: Bureau, register: Register) -> None:
    story, mapping = bureau.story, FIXTURES / "mappings" / "own.toml"
    bureau.hire("admin", "admin", "")
    for who, role in (("supervisor", "supervisor"), ("reviewer", "reviewer")):
        bureau.hire(who, role, register.division)
    words: tuple[str | Path, ...] = ("register", "import", *register.files)
    words += ("--mapping", register.mapping)
    done = read(bureau.office("admin", *words), ImportView)
    again = read(bureau.office("admin", *words), ImportView)
    for kind in ("inspectors", "recusals"):
        path = FIXTURES / "registers" / f"{kind}.csv"
        bureau.office("admin", "register", "import", path, "--mapping", mapping, f"--{kind}")
    for name in FORMS:
        bureau.office("admin", "checklist", "release", FIXTURES / "checklists" / name)
    catalogue = FIXTURES / "catalogues" / "food.toml"
    bureau.office("admin", "catalogue", "release", catalogue, quiet=True)
    story.tell(
        f"{done.rows:,} rows became {done.created:,} establishments (检查对象); "
        f"{sum(done.codes.values())} remarks, {done.refused} rows refused by name.",
        f"{done.rows:,} 行 → {done.created:,} 户检查对象；提示 {sum(done.codes.values())} 条，"
        f"拒绝 {done.refused} 行（逐行列明）。",
    )
    story.check(
        again.created == again.changed == 0 and again.unchanged == done.created,
        "the same file again changes nothing",
        "同一文件再次导入不产生任何变化",
    )


# -- 2 -------------------------------------------------------------------------------------------


def _draw(bureau: Bureau, register: Register) -> PlanView:
    story = bureau.story
    opens = datetime.now().astimezone().date() + timedelta(days=1)
    plan = read(
        bureau.office(
            "supervisor", "plan", "create", text("Spring check 2026", "2026年度食品安全抽查"),
            "--division", register.division, "--rate", "3%", "--minimum", "20",
            "--opens", str(opens), "--closes", str(opens + timedelta(days=20)),
            "--checklist", "*=food-sales-daily", "--checklist", "cold-store=cold-store-daily",
        ),
        PlanView,
    )  # fmt: skip
    story.tell(
        f"{plan.eligible:,} may be drawn; 3 %, rounded up, is {plan.sites} sites (双随机).",
        f"可抽 {plan.eligible:,} 户；3%（向上取整）为 {plan.sites} 户。",
    )
    nonces = {
        who: read(bureau.office("supervisor", "draw", "nonce", who), dict[str, str])
        for who in CONTRIBUTORS
    }
    commitments = [f"--nonce={who}={one['commitment']}" for who, one in nonces.items()]
    words = ("draw", "commit", plan.id, "--dice", CEREMONY, *commitments)
    committed = read(bureau.office("supervisor", *words), DrawView)
    story.tell(
        f"Committed (承诺): {committed.commit_hash[:16]}… Only now are the dice rolled (掷骰).",
        f"已承诺：{committed.commit_hash[:16]}…，此后才掷骰。",
    )
    rolled = "".join(str(randbelow(10)) for _ in range(20))
    (source,) = committed.sources
    revealed = [f"--nonce={who}={one['nonce']}" for who, one in nonces.items()]
    digits = f"--digits={source}={rolled}"
    bureau.office("reviewer", "draw", "type", committed.id, digits)
    held = read(
        bureau.office("supervisor", "draw", "hold", committed.id, digits, *revealed), DrawView
    )
    story.check(
        held.sites == plan.sites,
        f"{held.sites} sites drawn (中签), each with two inspectors (主办, 协办)",
        f"中签 {held.sites} 户，每户配主办、协办各一名",
    )
    bundle = bureau.folder / "bundle"
    bureau.office("supervisor", "draw", "export", held.id, "--to", bundle)
    _repeat(story, bundle)
    bureau.office("supervisor", "task", "dispatch", plan.id)
    return plan


def _repeat(story: Story, folder: Path) -> None:
    """Verify the bundle as a stranger would, then change one character in each of five places."""
    files = read_bundle(folder)
    steps = verify(files)
    story.check(
        all(step.ok for step in steps),
        f"evenhand verify draw: {len(steps)} steps recomputed from the files alone (复核)",
        f"evenhand verify draw：仅凭公示文件复算 {len(steps)} 步，全部一致",
    )
    rows: list[tuple[str, str, str]] = []
    for name in FORGED:
        failed = _flipped(files, name)
        told = text(failed[-1].en, failed[-1].zh) if failed else ""
        rows.append((name, ", ".join(step.name for step in failed), told))
        story.check(
            bool(failed),
            f"one character changed in {name} is caught",
            f"{name} 改动一个字符即被发现",
        )
    story.table((("changed", "被改文件"), ("steps", "步骤"), ("found", "发现")), rows)


def _flipped(files: dict[str, bytes], name: str) -> list[Step]:
    """Change one character of a file, mend the manifest as a forger would; give what fails."""
    body = bytearray(files[name])
    place = len(body) // 2
    body[place] ^= 1
    changed = {**files, name: bytes(body)}
    listed = files["MANIFEST.sha256"].decode()
    forged = listed.replace(sha256(files[name]).hexdigest(), sha256(body).hexdigest())
    changed["MANIFEST.sha256"] = forged.encode()
    return [step for step in verify(changed) if step.ok is False]


# -- 3 -------------------------------------------------------------------------------------------


def _sites(bureau: Bureau, plan: PlanView) -> list[Site]:
    """Choose the first drawn sites whose pairs are six different people; enrol their devices."""
    tasks = read(bureau.office("supervisor", "task", "list", plan.id), list[TaskView])
    checklists = [parse((FIXTURES / "checklists" / name).read_bytes()) for name in FORMS]
    by_digest = {digest(one): one for one in checklists}
    chosen: list[TaskView] = []
    for task in tasks:
        busy = {person.id for one in chosen for person in (one.lead, one.second)}
        if len(chosen) < SITES and not busy & {task.lead.id, task.second.id}:
            chosen.append(task)
    sites = [
        Site(
            id=task.id,
            place=task.place,
            code=task.establishment.code,
            name=task.establishment.name,
            checklist=by_digest[task.checklist],
            longitude=task.establishment.longitude or 120.0,
            latitude=task.establishment.latitude or 30.0,
            pair=[
                Member(
                    name=person.name,
                    role=role,
                    inspection=task.id,
                    home=bureau.folder / "devices" / person.certificate,
                    certificate=person.certificate,
                )
                for role, person in (("lead", task.lead), ("second", task.second))
            ],
        )
        for task in chosen
    ]
    prepare(sites)
    _enrol(bureau, sites)
    return sites


def _enrol(bureau: Bureau, sites: Sequence[Site]) -> None:
    phases: list[Phase] = []
    for member in crew(sites):
        member.home.mkdir(parents=True)
        words = ("devices", "invite", member.certificate)
        quiet = member is not sites[0].pair[0]  # one such command shown is enough
        invited = read(bureau.office("supervisor", *words, quiet=quiet), InviteView)
        phases.append(Phase(member, "enrol", bureau.url, invited.code))
    pulled: list[tuple[Member, Synced | None]] = []
    with bureau.story.progress("six devices enrol", "六台终端登记中", len(phases)) as step:
        for phase in phases:
            pulled.append((phase.member, phase.synced()))
            step()
    enrolled = read(bureau.office("supervisor", "devices"), list[DeviceView])
    for member in crew(sites):
        member.device = next(d.id for d in enrolled if d.certificate == member.certificate)
    bureau.story.table(
        (("no.", "签序"), ("site", "检查对象"), ("lead", "主办"), ("second", "协办")),
        [(site.place, site.name, *(member.name for member in site.pair)) for site in sites],
    )
    bureau.story.check(
        all(synced and member.inspection in synced.tasks for member, synced in pulled),
        "six devices enrolled with one-time codes and hold their tasks (任务接收)",
        "六台终端凭一次性登记码登记，并已收到任务",
    )


def _record(bureau: Bureau, sites: Sequence[Site]) -> None:
    story, photos = bureau.story, bureau.folder / "photos"
    photos.mkdir()
    scripts = {m.device: write(m, script(s, m, photos), "day") for s in sites for m in s.pair}
    victim = sites[0].pair[0]
    phases = [
        Phase(member, "record", scripts[member.device], held=member is victim)
        for member in crew(sites)
    ]
    killed = phases[0].kill_after(KILL_AFTER)
    kept = len(victim.told)
    phases[0] = Phase(victim, "record", scripts[victim.device])
    with story.progress("six devices record", "六台终端记录中", len(phases)) as step:
        for phase in phases:
            phase.recorded()
            step()
    total = sum(len(member.told) for member in crew(sites))
    told = read_out(sites[0])
    story.tell(
        f"{total} operations (操作) recorded offline: arrivals, answers, {told.en}, "
        "findings, photos, signatures. One clock is 20 minutes fast.",
        f"离线记录操作 {total} 条：扫码入企、检查项结论、{told.zh}、问题、照片、签名；"
        "一台终端时钟快 20 分钟。",
    )
    story.check(
        killed and kept >= KILL_AFTER,
        f"a device was killed (SIGKILL) while recording, after {kept} operations; it went on",
        f"一台终端在记录到第 {kept} 条后被强制终止（SIGKILL），重启后继续",
    )


# -- 4 -------------------------------------------------------------------------------------------


def _reconcile(bureau: Bureau, sites: Sequence[Site]) -> None:
    story = bureau.story
    cut, photo, twice = sites[0].pair[1], sites[1].pair[0], sites[2].pair[0]
    others = [member for member in crew(sites) if member not in (cut, photo, twice)]
    with relay(bureau.port) as weather:
        weather.cut_after = CUT_PUSH_AFTER
        first = Phase(cut, "sync", weather.url).synced()
        second = Phase(cut, "sync", weather.url).synced()
        story.check(
            first is None and weather.cuts == 1 and second is not None and second.sent > 0,
            "a connection cut inside a push: nothing half-stored, the next one delivers all",
            "上传中途断线：无半截数据，重连后全部送达",
        )
    with relay(bureau.port) as weather:
        weather.cut_after = CUT_PHOTO_AFTER
        sent = Phase(photo, "sync", weather.url).synced()
    sizes = [file.stat().st_size for file in (photo.home / "files").iterdir()]
    total = sent.bytes_sent if sent else 0
    story.check(
        sent is not None
        and (weather.cuts, sent.files) == (1, len(sizes))
        and total < sum(sizes) * TWICE_MAX,
        f"a connection cut inside a photo: resumed where it broke (断点续传), "
        f"{total:,} bytes sent for files of {sum(sizes):,}",
        f"照片上传中途断线：断点续传，文件共 {sum(sizes):,} 字节，实际上传 {total:,} 字节",
    )
    doubled = Phase(twice, "sync", bureau.url, "--twice").synced()
    sync_all(others, bureau.url)
    held = sync_all(crew(sites), bureau.url)
    alarms = sum(one.alarms for one in held.values())
    story.check(doubled is not None, "a push sent twice is taken once", "重复上传只计一次")
    _compare_ledger(bureau, sites)
    _compare_folds(bureau, sites, {d: s.digests for d, s in held.items()})
    story.check(alarms == 0, "no bucket's checksum disagrees (核对)", "各数据桶校验和一致")
    _settle(bureau, sites[1])


def _compare_ledger(bureau: Bureau, sites: Sequence[Site]) -> None:
    """Compare what every device said it recorded with what the server's ledger holds."""
    exact = True
    total = 0
    for member in crew(sites):
        entries = read(
            bureau.office("supervisor", "devices", "log", member.device, quiet=True),
            list[EntryView],
        )
        ledger = [(entry.n, entry.hash) for entry in entries]
        exact &= ledger == sorted(member.told.items())
        total += len(ledger)
    bureau.story.check(
        exact,
        f"all {total} recorded operations are in the server's ledger (账本) exactly once",
        f"记录的 {total} 条操作在服务器账本中各有且仅有一条",
    )


def _compare_folds(
    bureau: Bureau, sites: Sequence[Site], digests: dict[str, dict[str, str]]
) -> None:
    for site in sites:
        words = ("inspection", "show", site.id)
        view = read(bureau.office("supervisor", *words, quiet=True), InspectionView)
        folds = {view.digest, *(digests[member.device][site.id] for member in site.pair)}
        bureau.story.check(
            len(folds) == 1,
            f"both devices and the server fold no. {site.place} to {view.digest[:12]}…",
            f"第 {site.place} 号：两台终端与服务器归并结果一致 {view.digest[:12]}…",
        )


def _settle(bureau: Bureau, site: Site) -> None:
    """Show the disagreement, let the pair settle it, and show what was overruled."""
    story = bureau.story
    found = read(bureau.office("supervisor", "conflicts"), list[ConflictView])
    said = [  # two of one pair may have the same name
        (one.who, one.value)
        for conflict in found
        if (conflict.inspection, conflict.item) == (site.id, site.disputed)
        for one in conflict.said
    ]
    story.check(
        len(found) == 1 and sorted(value for _, value in said) == ["fail", "pass"],
        f"item {site.disputed} is in conflict, both answers are kept: {_pairs(said)}",
        f"第 {site.disputed} 项结论不一致，两个答案均保留：{_pairs(said)}",
    )
    devices = read(bureau.office("supervisor", "devices"), list[DeviceView])
    fast = next(one for one in devices if one.id == site.pair[1].device)
    story.check(
        abs(fast.skew_ms - 20 * 60 * 1000) < 60_000,
        f"the fast clock ({fast.skew_ms / 60_000:+.0f} min) is on record and decided nothing",
        f"偏快的时钟（{fast.skew_ms / 60_000:+.0f} 分钟）已记录在案，未影响任何结果",
    )
    for member in site.pair:
        Phase(member, "record", write(member, settling(site, member), "settle")).recorded()
        sync_all(site.pair, bureau.url)
    view = read(bureau.office("supervisor", "inspection", "show", site.id), InspectionView)
    item = next(one for one in view.items if one.ref == site.disputed)
    overruled = [f"{one.who}: {one.value}" for one in item.said if not one.stands]
    story.check(
        not item.conflict and item.value == "fail" and any("pass" in one for one in overruled),
        f"settled as «{item.value}»; overruled and still shown (被覆盖值): {', '.join(overruled)}",
        f"核对后定为“{item.value}”；被覆盖值仍可见：{'、'.join(overruled)}",
    )
    _compare_ledger(bureau, [site])


def _pairs(said: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{who}: {value}" for who, value in said)


def clean(folder: Path) -> None:
    """Make room for a new day; only a folder that a demo made is removed."""
    if folder.exists():
        if any(folder.iterdir()) and not (folder / "DEMO").exists():
            raise click.UsageError(f"{folder} is not empty, and no demo made it")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / "DEMO").write_text("Made by `evenhand demo`, which removes it to begin anew.\n")
