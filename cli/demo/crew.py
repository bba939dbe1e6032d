"""The crew of the demo (执法队伍): six devices, each a process of its own with its own folder."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec
from msgspec import Struct

from cli.demo.inspector import Done, Script, Synced
from cli.main import UNREACHABLE

SECONDS_MAX = 60.0


class Member(Struct):
    """One inspector with one device."""

    name: str
    role: str  # lead | second
    inspection: str
    home: Path
    certificate: str
    device: str = ""
    skew_ms: int = 0  # how wrong its wall clock is
    told: dict[int, str] = {}  # number -> hash of every operation that it said was durable


class Phase:
    """One phase of a member's day, as a running process."""

    def __init__(self, member: Member, *words: str | Path, held: bool = False) -> None:
        phase, *rest = words
        self.member = member
        line = ["-m", "cli.demo.inspector", phase, member.home, member.skew_ms, *rest]
        self.process = subprocess.Popen(
            [sys.executable, *map(str, line)],
            stdin=subprocess.PIPE if held else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def kill_after(self, operations: int) -> bool:
        """Kill it (SIGKILL) once it has said so many operations; tell whether it died of that.

        A held one waits for a line after each operation, so the kill finds it at work on the next.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        for _ in range(operations):
            self._note(self.process.stdout.readline())
            self.process.stdin.write(b"\n")
            self.process.stdin.flush()
        self.process.send_signal(signal.SIGKILL)
        rest, _ = self.process.communicate(timeout=SECONDS_MAX)
        for line in rest.splitlines(keepends=True):
            if line.endswith(b"\n"):
                self._note(line)
        return self.process.returncode == -signal.SIGKILL

    def recorded(self) -> None:
        """Wait for a recording to end and note what it said."""
        for line in self._output().splitlines():
            self._note(line)

    def printed(self) -> None:
        """Wait for a document."""
        self._output()

    def synced(self) -> Synced | None:
        """Wait for a sync to end; None when the link broke."""
        out = self._output(may_break=True)
        return msgspec.json.decode(out, type=Synced) if out else None

    def _output(self, *, may_break: bool = False) -> bytes:
        out, complaint = self.process.communicate(timeout=SECONDS_MAX)
        if may_break and self.process.returncode == UNREACHABLE:
            return b""
        if self.process.returncode:
            raise click.ClickException(f"{self.member.name}: {complaint.decode()}")
        return out

    def _note(self, line: bytes) -> None:
        done = msgspec.json.decode(line, type=Done)
        self.member.told[done.n] = done.hash


def write(member: Member, script: Script, name: str) -> Path:
    """Write a script where the member's process will read it."""
    path = member.home / f"{name}.json"
    path.write_bytes(msgspec.json.encode(script))
    return path


def sync_all(crew: Sequence[Member], server: str) -> dict[str, Synced]:
    """Let everyone sync at the same time; give what each then holds by device."""
    phases = [Phase(member, "sync", server) for member in crew]
    done = {phase.member.device: phase.synced() for phase in phases}
    return {device: synced for device, synced in done.items() if synced is not None}
