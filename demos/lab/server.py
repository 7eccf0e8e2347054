"""The live lab: the standard library's HTTP server, on the loopback address.

    GET /                    the page, and its few files
    GET /ask/flow?depth=30   the parts of the answer, as server-sent events, while they are computed

Two fields that are no knobs come with a question, `page` and `turn`: a question with a later turn of the same
page cancels what is still running for an earlier one. One run computes at a time, as the library's stream of
random numbers is one for all; who waits for it is cancelled like who runs, so nothing queues.

A page of another origin cannot ask: its browser would send its own Origin, or under a name that it made point
here its own Host, and either is refused.
"""

from __future__ import annotations

import re
import sys
import threading
import traceback
from collections import OrderedDict
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from demos.lab import page_files
from demos.lab.screens import SCREENS
from demos.lab.state import Cancelled, Part, Refused, Screen, State
from demos.lab.wire import packed

LOOPBACK = "127.0.0.1"
LONGEST = 2_000  # characters of an address
PAGES = 200  # whose latest turn is remembered
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}


class Turns:
    """The latest turn of every page, and the one run that computes."""

    def __init__(self) -> None:
        self.latest: OrderedDict[str, int] = OrderedDict()
        self.computing = threading.Lock()
        self._guard = threading.Lock()

    def begin(self, page: str, turn: int) -> Callable[[], None]:
        """Note a new turn; return what raises Cancelled once there is a newer one."""
        with self._guard:
            self.latest[page] = max(turn, self.latest.get(page, turn))
            self.latest.move_to_end(page)
            while len(self.latest) > PAGES:
                self.latest.popitem(last=False)

        def go_on() -> None:
            if self.latest.get(page, turn) > turn:
                raise Cancelled

        return go_on

    def parts(self, screen: Screen, state: State, go_on: Callable[[], None]) -> Iterator[Part]:
        """The parts of an answer, each computed while no other is."""
        answer = screen.answer(state, go_on)
        while True:
            while not self.computing.acquire(timeout=0.02):
                go_on()
            try:
                go_on()
                with np.errstate(all="ignore"):  # overflows are what the page is about
                    part = next(answer, None)
            finally:
                self.computing.release()
            if part is None:
                return
            yield part


class Lab(ThreadingHTTPServer):
    """The server; `port` 0 takes any free one."""

    daemon_threads = True
    block_on_close = False  # Ctrl-C ends it, whatever still runs
    allow_reuse_address = sys.platform != "win32"  # there it would share a port that is in use

    def __init__(self, port: int) -> None:
        super().__init__((LOOPBACK, port), Handler)
        self.turns = Turns()
        self.files = page_files.live()
        port = self.server_address[1]
        self.hosts = {f"{LOOPBACK}:{port}", f"localhost:{port}"}

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.server_address[1]}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that has gone away."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    server: Lab
    timeout = 30  # seconds for a request to be sent
    server_version = "lab"
    sys_version = ""

    def do_GET(self) -> None:
        if refusal := self.stranger():
            return self.reply(403, "text/plain; charset=utf-8", refusal.encode())
        if len(self.path) > LONGEST:
            return self.reply(414, "text/plain; charset=utf-8", b"This address is too long.")
        url = urlsplit(self.path)
        if url.path in self.server.files:
            return self.reply(200, *self.server.files[url.path])
        screen = SCREENS.get(url.path.removeprefix("/ask/")) if url.path.startswith("/ask/") else None
        if screen is None:
            return self.reply(404, "text/plain; charset=utf-8", b"There is nothing here.")
        return self.ask(screen, url.query)

    def stranger(self) -> str | None:
        """Why this request does not come from the lab's own page, if it does not."""
        host, origin = self.headers.get("Host", ""), self.headers.get("Origin")
        if host not in self.server.hosts:
            return f"The lab answers only under {self.server.url}."
        if origin is not None and origin.removeprefix("http://") not in self.server.hosts:
            return "The lab answers only its own page."
        if self.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            return "The lab answers only its own page."
        return None

    def ask(self, screen: Screen, query: str) -> None:
        page = re.search(r"(?:^|&)page=(\w{1,40})(?:&|$)", query)
        turn = re.search(r"(?:^|&)turn=(\d{1,15})(?:&|$)", query)
        address = "&".join(p for p in query.split("&") if p and p.split("=")[0] not in ("page", "turn"))
        go_on = self.server.turns.begin(page[1] if page else "", int(turn[1]) if turn else 0)
        try:
            state = screen.read(address)
        except Refused as refused:
            message = {"knob": refused.knob, "message": str(refused)}
            return self.reply(400, "application/json", packed(message).encode())
        self.begin(200, "text/event-stream; charset=utf-8")
        try:
            self.send({"address": screen.address(state), "lines": screen.lines(state)})
            for part in self.server.turns.parts(screen, state, go_on):
                self.send(part)
            self.send({"done": True})
        except Cancelled:
            self.send({"cancelled": True})
        except OSError:  # the page has gone
            pass
        except Exception as error:  # whatever a run does, the server lives
            traceback.print_exc()
            self.send({"failed": f"{type(error).__name__}: {error}"})

    def send(self, part: Part) -> None:
        self.wfile.write(f"data: {packed(part)}\n\n".encode())
        self.wfile.flush()

    def reply(self, status: int, kind: str, body: bytes) -> None:
        self.begin(status, kind, len(body))
        self.wfile.write(body)

    def begin(self, status: int, kind: str, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *values: Any) -> None:
        """Say nothing: the terminal is for what a lecturer must know."""


def serve(port: int) -> Lab:
    """A server on this port, or on a free one if it is in use. Raises OSError if there is none at all."""
    try:
        return Lab(port)
    except OSError as error:
        print(f"Port {port} cannot be used ({error.strerror}): taking a free one.")
        return Lab(0)
