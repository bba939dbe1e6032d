"""Bad weather (坏网络): a link between a device and the server that breaks where it is told to.

A small TCP relay on the loopback address. It counts the bytes that go up and, once a limit is
reached, cuts both ends in the middle of whatever was being sent.
"""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress

from msgspec import Struct

PIECE = 4096


class Weather(Struct):
    """A relay's port, and how many bytes may still go up before it cuts (None: all)."""

    port: int
    cut_after: int | None = None
    cuts: int = 0

    @property
    def url(self) -> str:
        """The address that a device uses instead of the server's."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def relay(server_port: int) -> Generator[Weather]:
    """Run a relay to the server for the block."""
    listener = socket.create_server(("127.0.0.1", 0))
    weather = Weather(listener.getsockname()[1])
    threading.Thread(target=_accept, args=(listener, server_port, weather), daemon=True).start()
    try:
        yield weather
    finally:
        listener.close()


def _accept(listener: socket.socket, server_port: int, weather: Weather) -> None:
    while True:
        try:
            device, _ = listener.accept()
        except OSError:  # the relay was closed
            return
        server = socket.create_connection(("127.0.0.1", server_port))
        threading.Thread(target=_up, args=(device, server, weather), daemon=True).start()
        threading.Thread(target=_down, args=(server, device), daemon=True).start()


def _up(device: socket.socket, server: socket.socket, weather: Weather) -> None:
    with suppress(OSError):
        while piece := device.recv(PIECE):
            if weather.cut_after is not None and len(piece) >= weather.cut_after:
                server.sendall(piece[: weather.cut_after])
                weather.cut_after = None
                weather.cuts += 1
                break
            server.sendall(piece)
            if weather.cut_after is not None:
                weather.cut_after -= len(piece)
    _hang_up(device, server)


def _down(server: socket.socket, device: socket.socket) -> None:
    with suppress(OSError):
        while piece := server.recv(PIECE):
            device.sendall(piece)
    _hang_up(server, device)


def _hang_up(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
