"""计划: making plans, from options or from a file, and looking at whom they could draw."""

import tomllib
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import cast

import click
import msgspec

from backend.rules import scheme
from backend.wire import NewPlan, PlanView
from cli import client
from cli.output import as_json, json_option, say, show
from sync.refusals import Reason, Refused

PLANS = {
    "id": ("plan", "计划"),
    "title": ("title", "名称"),
    "sites": ("sites", "应抽/可抽"),
    "closes_on": ("closes", "结束"),
    "status": ("draw", "抽取"),
    "parent": ("campaign", "专项行动"),
}
PLAN = {
    "id": ("plan", "计划"),
    "title": ("title", "名称"),
    "division": ("division", "区划"),
    "parent": ("campaign", "专项行动"),
    "opens_on": ("opens", "开始"),
    "closes_on": ("closes", "结束"),
    "rate": ("rate", "比例"),
    "minimum": ("minimum", "最少户数"),
    "draws": ("draws", "抽取"),
}
STRATA = {
    "stratum": ("stratum", "层"),
    "eligible": ("eligible", "可抽"),
    "quota": ("quota", "配额"),
    "most": ("at most", "至多"),
    "excluded": ("excluded", "不参加抽取"),
}
NESTED = {
    "id": ("plan", "计划"),
    "title": ("title", "名称"),
    "division": ("division", "区划"),
    "sites": ("sites", "应抽"),
    "eligible": ("eligible", "可抽"),
    "status": ("draw", "抽取"),
}
RATES = ("rate", "at_most", "per_year")  # fields that may be written as 3% or 3/100
OF_SCHEME = frozenset(scheme.Scheme.__struct_fields__)

Where = tuple[dict[str, list[str]], str]


class Pair(click.ParamType[tuple[str, str]]):
    """`name=value`."""

    name = "name=value"

    def convert(
        self, value: str | tuple[str, str], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Split at the first `=`."""
        if isinstance(value, tuple):
            return value
        key, found, rest = value.partition("=")
        if not (key and found and rest):
            self.fail(f"{value!r} is not name=value", param, ctx)
        return key, rest


class Share(click.ParamType[tuple[int, int]]):
    """`3%`, `0.5%` or `3/100`, exactly."""

    name = "rate"

    def convert(
        self, value: str | tuple[int, int], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Read a share as two integers."""
        if isinstance(value, tuple):
            return value
        try:
            return share(value)
        except ValueError:
            self.fail(f"{value!r} is neither 3% nor 3/100", param, ctx)


class Values(click.ParamType[Where]):
    """`risk=D:100%`, `risk=C,D:12`: values of the strata, then a rate or a count."""

    name = "values:share"

    def convert(
        self, value: str | Where, param: click.Parameter | None, ctx: click.Context | None
    ) -> Where:
        """Split at the last colon, then at the commas."""
        if isinstance(value, tuple):
            return value
        words, _, given = value.rpartition(":")
        where: dict[str, list[str]] = {}
        name = ""
        for part in words.split(","):
            dimension, found, one = part.rpartition("=")
            name = dimension if found else name
            where.setdefault(name, []).append(one)
        if not given or "" in where:
            self.fail(f"{value!r} is neither like risk=D:100% nor like risk=C,D:12", param, ctx)
        return where, given


def share(text: str) -> tuple[int, int]:
    """Read `3%`, `0.5%` or `3/100` exactly; raise ValueError for anything else."""
    if text.endswith("%"):
        whole, _, part = text[:-1].partition(".")
        return int(whole + part), 100 * 10 ** len(part)
    num, den = text.split("/")
    return int(num), int(den)


@click.group()
def plan() -> None:
    """Make plans and look at them. 抽查计划。"""


@plan.command("create")
@click.argument("title", required=False)
@click.option(
    "--from", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A plan in TOML; options go before what it says. 从文件读取。",
)  # fmt: skip
@click.option("--division", help="行政区划代码: sites of it and below.")
@click.option("--category", help="Only this category; all without it. 类别。")
@click.option("--rate", type=Share(), help="3% or 3/100. 抽查比例。")
@click.option("--minimum", type=int, help="At least, in every stratum; 1 if not given. 至少户数。")
@click.option("--qualification", help="Asked of the lead's inspectors. 资质。")
@click.option("--opens", type=click.DateTime(["%Y-%m-%d"]), help="开始日期。")
@click.option("--closes", type=click.DateTime(["%Y-%m-%d"]), help="结束日期。")
@click.option(
    "--checklist", "checklists", type=Pair(), multiple=True,
    help="category=CODE or digest, *=CODE for all others. 检查表。",
)  # fmt: skip
@click.option("--parent", help="The campaign that it belongs to. 所属专项行动。")
@click.option(
    "--strata",
    help="risk, category, credit, credit_class, key, department, division:6, with commas. 分层。",
)
@click.option(
    "--quota", "quotas", type=Values(), multiple=True,
    help="risk=D:100%, risk=C,D:12: a rate or a count for these strata. 分层名额。",
)  # fmt: skip
@click.option(
    "--rounding", type=click.Choice(["ceil", "floor", "hamilton", "systematic"]), help="取整方式。"
)
@click.option("--at-most", type=Share(), help="Beside a rate that is 不少于. 比例上限（不超过）。")
@click.option("--total", type=int, help="So many in all, shared out. 总户数。")
@click.option("--risk", "risks", multiple=True, help="Only of this risk class. 风险等级。")
@click.option("--credit", multiple=True, help="abnormal, serious, none: on which list. 信用名单。")
@click.option(
    "--credit-class", "credit_classes", multiple=True,
    help="Only of this class, A to D, or none. 信用风险分类。",
)  # fmt: skip
@click.option("--product", "products", multiple=True, help="By licence in force. 产品或许可项目。")
@click.option(
    "--key", type=click.Choice(["all", "only", "elsewhere"]), help="Key objects. 重点对象。"
)
@click.option("--window", type=int, help="Not who was drawn within so many days. 排除天数。")
@click.option("--annual-cap", type=int, help="Visits a year, of all departments. 年度频次上限。")
@click.option(
    "--districts", type=click.Choice(["any", "own", "other"]),
    help="Only inspectors of the site's district, or none of them. 本所或所所交叉。",
)  # fmt: skip
@click.option("--even", type=int, help="No load so many above the smallest. 任务量差距上限。")
@click.option("--not-last-visit", is_flag=True, help="Who went last stays away. 上次检查人员回避。")
@click.option("--experts", type=int, help="So many experts go along. 随行专家人数。")
@click.option(
    "--relax", "relaxations", multiple=True,
    help="In this order if nobody is left: any-district, last-visit, cap+2. 让步顺序。",
)  # fmt: skip
@json_option
def create_plan(
    title: str | None,
    file: Path | None,
    division: str | None,
    category: str | None,
    rate: tuple[int, int] | None,
    minimum: int | None,
    qualification: str | None,
    opens: datetime | None,
    closes: datetime | None,
    checklists: tuple[tuple[str, str], ...],
    parent: str | None,
    strata: str | None,
    quotas: tuple[Where, ...],
    rounding: str | None,
    at_most: tuple[int, int] | None,
    total: int | None,
    risks: tuple[str, ...],
    credit: tuple[str, ...],
    credit_classes: tuple[str, ...],
    products: tuple[str, ...],
    key: str | None,
    window: int | None,
    annual_cap: int | None,
    districts: str | None,
    even: int | None,
    not_last_visit: bool,
    experts: int | None,
    relaxations: tuple[str, ...],
) -> None:
    """Create a plan: whom to draw from, how many, by when. 制定抽查计划。"""
    fields = read_plan(file) if file else {}
    given: dict[str, object] = {
        "title": title,
        "division": division,
        "category": category,
        "rate": rate,
        "minimum": minimum,
        "qualification": qualification,
        "opens_on": opens and opens.date(),
        "closes_on": closes and closes.date(),
        "checklists": dict(checklists),
        "parent": parent,
        "strata": strata and strata.split(","),
        "quotas": [_quota(where, words) for where, words in quotas],
        "rounding": rounding,
        "at_most": at_most,
        "total": total,
        "relaxations": list(relaxations),
        "seats": _with_experts(experts or 0),
    }
    scope = {
        "risks": list(risks),
        "credit": list(credit),
        "credit_classes": list(credit_classes),
        "products": list(products),
        "key": key,
    }
    exclusion = {"window_days": window, "annual_cap": annual_cap}
    staffing = {"districts": districts, "even": even, "last_visit": not_last_visit or None}
    _overlay(fields, given)
    _overlay(fields.setdefault("scope", {}), scope)
    _overlay(fields.setdefault("exclusion", {}), exclusion)
    _overlay(fields.setdefault("staffing", {}), staffing)
    made = client.post("/office/plans", PlanView, _plan(fields))
    say(
        f"Plan {made.id}: {made.sites} of {made.eligible} eligible sites will be drawn.",
        f"计划 {made.id}：将从 {made.eligible} 户可抽对象中抽取 {made.sites} 户。",
    )
    show(made, {})


def read_plan(file: Path) -> dict[str, object]:
    """Read a plan in TOML; its fields are those of docs/how-to/plan-a-draw.md."""
    try:
        return _with_rates(tomllib.loads(file.read_text("utf-8-sig")), "")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _wrong(file.name, str(error)) from None


def _with_rates(table: dict[str, object], path: str) -> dict[str, object]:
    """Turn every rate that is written as text into two integers."""
    result: dict[str, object] = {}
    for name, value in table.items():
        where = f"{path}.{name}" if path else name
        if name in RATES and isinstance(value, str):
            try:
                result[name] = share(value if "/" in value or "%" in value else f"{value}/1")
            except ValueError:
                raise _wrong(where, f"{value!r} is neither 3% nor 3/100") from None
        elif isinstance(value, dict):
            result[name] = _with_rates(cast("dict[str, object]", value), where)
        elif isinstance(value, list):
            result[name] = [
                _with_rates(cast("dict[str, object]", one), f"{where}[{n}]")
                if isinstance(one, dict) else one
                for n, one in enumerate(cast("list[object]", value))
            ]  # fmt: skip
        else:
            result[name] = value
    return result


def _quota(where: dict[str, list[str]], words: str) -> dict[str, object]:
    if words.isdecimal():
        return {"where": where, "count": int(words)}
    try:
        return {"where": where, "rate": share(words)}
    except ValueError:
        raise click.UsageError(f"{words!r} is neither 3% nor 3/100 nor a count") from None


def _with_experts(count: int) -> list[dict[str, object]]:
    """Name the lead's two seats and those of experts; none when no expert goes."""
    if not count:
        return []
    two: list[dict[str, object]] = [{"name": one.name} for one in scheme.DEFAULT_SEATS]
    return two + [{"name": f"{n}专家", "expert": True} for n in range(3, 3 + count)]


def _overlay(fields: object, given: Mapping[str, object]) -> None:
    """Put the options that were given over what the file says."""
    if isinstance(fields, dict):
        table = cast("dict[str, object]", fields)
        table |= {name: value for name, value in given.items() if value not in (None, [], {})}


def _plan(fields: dict[str, object]) -> NewPlan:
    """Sort the fields into a plan and its scheme, or name the one that is wrong."""
    of_scheme = {name: value for name, value in fields.items() if name in OF_SCHEME}
    of_plan = {name: value for name, value in fields.items() if name not in OF_SCHEME}
    try:
        return msgspec.convert({**of_plan, "scheme": of_scheme}, NewPlan)
    except msgspec.ValidationError as error:
        problem, found, path = str(error).partition(" - at `")
        field = path.rstrip("`").removeprefix("$.").removeprefix("scheme.") if found else "plan"
        raise _wrong(field, problem) from None


def _wrong(field: str, problem: str) -> Refused:
    return Refused(
        Reason.PLAN_SCHEME_WRONG, field=field, problem=problem, problem_zh=f"格式不符（{problem}）"
    )


@plan.command("list")
@json_option
def list_plans() -> None:
    """List the plans of your division, newest first. 计划列表。"""
    found = client.get("/office/plans", list[PlanView])
    if as_json():
        show(found)
    else:
        rows = [
            {
                "id": one.id,
                "title": one.title,
                "sites": f"{one.sites}/{one.eligible}",
                "closes_on": one.closes_on,
                "status": one.draws[-1].status if one.draws else "",
                "parent": one.parent,
            }
            for one in found
        ]
        show(rows, PLANS)


@plan.command("show")
@click.argument("plan_id")
@json_option
def show_plan(plan_id: str) -> None:
    """Show a plan, its draws, void ones too, and whom it could draw now. 计划详情与抽样框预览。"""
    found = client.get(f"/office/plans/{plan_id}", PlanView)
    if as_json():
        show(found)
        return
    num, den = found.rate
    plain: dict[str, object] = {
        **{name: getattr(found, name) for name in PLAN},
        "parent": found.parent or "–",
        "rate": f"{Decimal(num * 100) / den:.6g}%",
        "draws": ", ".join(f"{one.id} {one.status}" for one in found.draws) or "–",
    }
    show(plain, PLAN)
    kind = ("directed", "定向") if found.directed else ("undirected", "不定向")
    say(
        f"If it were frozen now: {found.sites} of {found.eligible} eligible ({kind[0]}).",
        f"若此刻冻结名录：可抽 {found.eligible} 户，应抽 {found.sites} 户（{kind[1]}）。",
    )
    preview = [
        {
            **{name: getattr(one, name) for name in STRATA},
            "excluded": ", ".join(f"{why} {count}" for why, count in one.excluded.items()),
        }
        for one in found.preview
    ]
    show(preview, STRATA)
    if found.nested:
        sites = sum(one.sites for one in found.nested)
        say(f"Its plans draw {sites} sites:", f"所属计划共抽 {sites} 户：")
        show(found.nested, NESTED)
