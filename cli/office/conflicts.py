"""结论不一致: both values, whose they are, since when; and closing it."""

import click

from backend.wire import ConflictView, ResolveOrder
from cli import client
from cli.output import as_json, json_option, say, show, text


@click.group("conflicts", invoke_without_command=True)
@json_option
@click.pass_context
def conflicts(context: click.Context) -> None:
    """List the items on which inspectors disagree, and close one. 结论不一致的检查项。"""
    if context.invoked_subcommand is not None:
        return
    found = client.get("/office/conflicts", list[ConflictView])
    if as_json():
        show(found)
        return
    say(f"Items in conflict: {len(found)}.", f"结论不一致的检查项：{len(found)} 个。")
    for one in found:
        since = one.since.strftime("%Y-%m-%d %H:%M:%SZ") if one.since else ""
        click.echo(f"{one.inspection}  {one.name}  {one.item} {text(one.text.en, one.text.zh)}")
        say(
            f"    since {since}{', signed so' if one.sealed else ''}",
            f"    自 {since}{'，已签名' if one.sealed else ''}",
        )
        for said in one.said:
            if said.stands:
                click.echo(f"    {said.value}  {said.who}  {said.note}".rstrip() + f"  {said.op}")


@conflicts.command()
@click.argument("inspection")
@click.argument("item")
@click.argument("value")
@click.option("--reason", required=True, help="Goes with the answer and into the journal. 理由。")
@json_option
def resolve(inspection: str, item: str, value: str, reason: str) -> None:
    """Let one of the answers hold that inspectors gave. 确定结论。

    It is recorded at your desk, under your name, and both answers stay visible.
    """
    order = ResolveOrder(item=item, value=value, reason=reason)
    closed = client.post(f"/office/conflicts/{inspection}", ConflictView, order)
    say(
        f"{closed.name}, {closed.item}: {value} holds; {len(closed.said)} answers stay visible.",
        f"{closed.name} {closed.item}：以 {value} 为准；原有 {len(closed.said)} 个答复仍可查看。",
    )
    show(closed, {})


commands: list[click.Command] = [conflicts]
