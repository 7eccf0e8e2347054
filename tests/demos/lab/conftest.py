"""A running lab for the tests, and questions to it over HTTP."""

from __future__ import annotations

import http.client
import json
import threading
from urllib.parse import quote

import pytest

from demos.lab import server as lab_server
from demos.lab.wire import unpacked


class Client:
    """Asks the lab as its page does."""

    def __init__(self, lab: lab_server.Lab) -> None:
        self.lab, self.port = lab, lab.server_address[1]

    def get(self, path: str, method: str = "GET", **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, quote(path, safe="/?&=+%"), headers=headers)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def parts(self, path: str) -> list[dict]:
        status, text = self.get(path)
        assert status == 200, text
        pieces = text.split("\n\n")
        assert pieces.pop() == ""
        for piece in pieces:
            json.loads(piece.removeprefix("data: "), parse_constant=pytest.fail)  # valid JSON: no NaN
        return [unpacked(piece.removeprefix("data: ")) for piece in pieces]

    def answer(self, path: str) -> dict:
        answer: dict = {}
        for part in self.parts(path):
            answer |= part
        assert answer.get("done"), answer
        return answer


@pytest.fixture(scope="session")
def lab():
    with lab_server.serve(0) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def client(lab):
    return Client(lab)
