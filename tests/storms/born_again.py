"""A process that was born to be killed: it forks, the child works, and the next one starts at once.

Importing everything takes a second; two hundred deaths would take minutes of that alone.

    serve PORT    the whole app over HTTP; connections wait in the socket while nobody serves
    record HOME   a device that records answers to its one task, and says so after each
"""

import os
import socket
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import uvicorn

from backend import settings
from backend.app import create_app
from cli.home import Home
from sync.ops import Answer


def serve(listener: socket.socket) -> None:
    app = create_app(settings.load(os.environ))
    config = uvicorn.Config(app, fd=listener.fileno(), log_level="critical")
    uvicorn.Server(config).run()


def record(folder: Path) -> None:
    home = Home(folder)
    task = home.replica.tasks()[0].id
    for n in count(1):
        mine = home.replica.answer(task, {"1.1": Answer("pass", note=f"{os.getpid()}-{n}")})
        os.write(1, f"{mine.n} {mine.hash}\n".encode())


def main(kind: str, value: str) -> None:
    """Be born at every line on standard input; say the child's number, and its end."""
    work: Callable[[], None]
    if kind == "serve":
        listener = socket.create_server(("127.0.0.1", int(value)))
        work = lambda: serve(listener)  # noqa: E731
    else:
        work = lambda: record(Path(value))  # noqa: E731
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            os.write(1, f"born {os.getpid()}\n".encode())
            work()
            os._exit(0)
        os.waitpid(child, 0)
        os.write(1, b"gone\n")


main(*sys.argv[1:])
