"""The command `evenhand`. Groups load on first use, so a device never pays for the server."""

import sys
from importlib import import_module

import click

from cli.output import Words, complain, fail, json_option, text
from sync.refusals import Reason, Refused

UNREACHABLE = 75  # EX_TEMPFAIL of sysexits.h: try again later
FAILED = 70  # EX_SOFTWARE

REMEDIES: dict[int, Words] = {
    UNREACHABLE: (
        "Nothing is lost. Run it again when there is a network, or check the address.",
        "没有丢失任何内容。请在有网络时重试，或核对地址。",
    ),
    FAILED: (
        "Run it again; if it stays so, show this to whoever keeps the server.",
        "请重试；若仍如此，请将以上内容告知服务器管理人员。",
    ),
}

OURS = ("sync", "backend", "cli")

GROUPS = {
    "server": ("Run the server and keep its database.", "运行服务器并维护数据库。"),
    "office": ("Keep registers, plan, draw, review and publish.", "名录、计划、抽取、审核与公示。"),
    "device": ("Record inspections offline and sync them.", "离线记录检查并同步。"),
    "draw": ("Ask a draw's bundle, offline.", "离线查询抽取档案包。"),
    "verify": ("Check a draw, a publication or a ledger, offline.", "离线复核抽取、公示与账本。"),
    "demo": ("Run the day of a district bureau.", "演示区局的一天。"),
}


class Lazy(click.Group):
    """A group whose subgroups live in `cli.<name>` and are imported when named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the groups without importing them."""
        return list(GROUPS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one group."""
        if cmd_name not in GROUPS:
            return None
        try:
            command: click.Command = import_module(f"cli.{cmd_name}").group
        except ModuleNotFoundError as missing:
            if missing.name is None or missing.name.partition(".")[0] in OURS:
                raise
            raise Refused(Reason.EXTRA_MISSING, group=cmd_name, lacks=missing.name) from None
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the groups from their one-line descriptions, importing none of them."""
        with formatter.section(text("Commands", "命令")):
            formatter.write_dl([(name, text(*GROUPS[name])) for name in self.list_commands(ctx)])

    def invoke(self, ctx: click.Context) -> object:
        """Turn a refusal into its message and its exit status."""
        try:
            return super().invoke(ctx)
        except Refused as refused:
            sys.exit(complain(refused))
        except Exception as error:
            status = _status(error)
            if status is None:
                raise
            fail(type(error).__name__.lower(), str(error), REMEDIES[status])
            sys.exit(status)


def _status(error: Exception) -> int | None:
    """Give the exit status of what a network could not do, without importing what needs one."""
    link, client = sys.modules.get("cli.link"), sys.modules.get("cli.client")
    if link is not None and isinstance(error, link.Unreachable):
        return UNREACHABLE
    return FAILED if client is not None and isinstance(error, client.Failed) else None


@click.group(cls=Lazy)
@click.version_option(package_name="evenhand")
@json_option
def main() -> None:
    """Offline-first field inspection with a draw anyone can repeat. 双随机抽查与离线现场检查。"""
