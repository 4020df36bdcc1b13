"""How the JupyterLab of `make lab` speaks to the browser: without pauses of 40 ms.

A kernel answers in several short messages. TCP keeps each one after the first back until the
browser has confirmed the one before (Nagle's algorithm, RFC 896), and a browser that has nothing to
send takes 40 ms to confirm (delayed acknowledgement, RFC 1122). jupyter_server leaves both on.
"""

from asyncio import Future

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class PromptConnection(ZMQChannelsWebsocketConnection):
    """A kernel's connection with a browser that sends every message at once."""

    def connect(self) -> "Future[None] | None":  # type: ignore[override]  # as theirs
        """Connect the kernel's channels with the browser."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()
