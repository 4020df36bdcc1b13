"""`make lab`: what a kernel sends reaches the browser at once."""

import asyncio
import socket

import pytest
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application
from tornado.websocket import WebSocketHandler, websocket_connect

from sim2real_lib.files import ROOT
from sim2real_lib.lab import PromptConnection


def test_make_lab_asks_for_it() -> None:
    name = f"{PromptConnection.__module__}.{PromptConnection.__name__}"
    (line,) = [
        line for line in (ROOT / "Makefile").read_text().splitlines() if "jupyter lab " in line
    ]
    assert f"--ServerApp.kernel_websocket_connection_class={name} " in line


def test_no_message_waits_until_the_one_before_is_confirmed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    delays = []

    def connected(self: ZMQChannelsWebsocketConnection) -> None:
        stream = self.websocket_handler.ws_connection.stream
        delays.append(stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    class Handler(WebSocketHandler):
        def open(self) -> None:
            monkeypatch.setattr(ZMQChannelsWebsocketConnection, "websocket_handler", self)
            for kind in (ZMQChannelsWebsocketConnection, PromptConnection):
                kind.connect(kind.__new__(kind))  # of no kernel
            self.close()

    async def ask() -> None:
        listening, port = bind_unused_port()
        server = HTTPServer(Application([("/", Handler)]))
        server.add_socket(listening)
        client = await websocket_connect(f"ws://127.0.0.1:{port}/")
        assert await client.read_message() is None
        server.stop()

    monkeypatch.setattr(ZMQChannelsWebsocketConnection, "connect", connected)
    asyncio.run(ask())
    assert delays == [0, 1], "jupyter_server's own, and ours"
