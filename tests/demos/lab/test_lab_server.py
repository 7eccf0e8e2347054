"""The protocol over real HTTP: who may ask, what is refused and cancelled, what does no harm."""

import http.client
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from demos.lab import page_files, wire
from demos.lab.screens import SCREENS
from demos.lab.server import LONGEST, Turns, serve
from demos.lab.state import Cancelled, Screen

SMALL = "/ask/flow?depth=4&width=8&batch=8"


def test_page_and_its_files_are_served_and_nothing_else(client):
    status, page = client.get("/")
    assert status == 200
    for name in re.findall(r'(?:src|href)="([^"#]+\.(?:js|css))"', page):
        assert client.get(f"/{name}")[0] == 200
    for path in (
        "/server.py",
        "/../server.py",
        "/page/lab.html",
        "/%2e%2e/server.py",
        "/ask/",
        "/ask/else",
        "//etc",
    ):
        assert client.get(path)[0] == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"}, {"Host": "evil.example:{port}"}, {"Host": ""}, {"Host": "127.0.0.1"},
        {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://127.0.0.1:1"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", SMALL])
def test_strangers_are_refused(client, headers, path):
    headers = {name: value.format(port=client.port) for name, value in headers.items()}
    assert client.get(path, **headers)[0] == 403


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_own_page_is_answered(client, host):
    own = f"{host}:{client.port}"
    headers = {"Host": own, "Origin": f"http://{own}", "Sec-Fetch-Site": "same-origin"}
    assert client.get(SMALL, **headers)[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_only_questions_are_understood(client, method):
    assert client.get(SMALL, method)[0] == 501


@pytest.mark.parametrize(
    ("query", "knob", "message"),
    [
        ("depth=101", "depth", "from 2 to 100"), ("depth=1", "depth", "from 2 to 100"),
        ("depth=2.5", "depth", "whole number"), ("depth=", "depth", "whole number"),
        ("sigma=nan", "sigma", "number from"), ("sigma=1e400", "sigma", "number from"),
        ("phi=__import__('os')", "phi", "is one of relu"), ("seed=-1", "seed", "from 0 to 9"),
        ("colour=red", "phi", "there is no knob 'colour'"),
        ("depth=100&width=512&batch=512", "width", "take less of one of the three"),
    ],
)  # fmt: skip
def test_impossible_setting_is_refused_beside_its_knob(client, query, knob, message):
    status, text = client.get(f"/ask/flow?{query}")
    refusal = wire.unpacked(text)
    assert status == 400
    assert refusal["knob"] == knob
    assert message in refusal["message"]


def test_address_that_is_too_long_is_refused(client):
    assert client.get(f"/ask/flow?phi={'x' * LONGEST}")[0] == 414
    assert client.get(SMALL)[0] == 200


@pytest.mark.parametrize("screen", SCREENS.values(), ids=list(SCREENS))
def test_address_of_a_state_reproduces_it(screen):
    state = screen.read("")
    assert screen.read(screen.address(state)) == state
    assert screen.address(screen.read(screen.address(state))) == screen.address(state)


def test_half_closed_and_broken_connections_do_no_harm(client):
    request = f"GET {SMALL} HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", client.port)) as half:
        half.sendall(request)
        half.shutdown(socket.SHUT_WR)  # it still listens
        text = b"".join(iter(lambda: half.recv(65536), b""))
    assert text.endswith(b'data: {"done":true}\n\n')
    for piece in (request, request[:30], b"\x00\xff\r\n\r\n", b"GET / HTTP/1.1\r\nHost"):
        with socket.create_connection(("127.0.0.1", client.port)) as gone:
            gone.sendall(piece)
    assert client.answer(SMALL)["done"]


def test_ten_clients_at_once_get_each_their_own_numbers(client):
    paths = [f"{SMALL}&seed={seed}" for seed in range(10)]
    alone = [client.answer(path)["backward"] for path in paths]
    with ThreadPoolExecutor(10) as threads:
        together = list(threads.map(lambda path: client.answer(path)["backward"], paths))
    assert together == alone
    assert len({tuple(numbers) for numbers in alone}) == 10


def test_newer_turn_cancels_an_older_one_of_the_same_page_only():
    turns = Turns()
    first, other = turns.begin("page", 1), turns.begin("another", 1)
    second = turns.begin("page", 2)
    with pytest.raises(Cancelled):
        first()
    second()
    other()
    with pytest.raises(Cancelled):
        turns.begin("page", 1)()  # one that arrives late


def endless(state, go_on):
    while True:
        go_on()
        time.sleep(0.005)
        yield {"step": 1}


def test_who_waits_is_cancelled_like_who_runs():
    turns = Turns()
    screen = Screen("endless", "", (), lambda state: "", endless)
    with turns.computing:  # somebody else computes
        waiting = turns.parts(screen, {}, turns.begin("page", 1))
        threading.Timer(0.05, turns.begin, ("page", 2)).start()
        with pytest.raises(Cancelled):
            next(waiting)
    running = turns.parts(screen, {}, turns.begin("page", 3))
    next(running)
    turns.begin("page", 4)
    with pytest.raises(Cancelled):
        next(running)
    assert turns.computing.acquire(blocking=False)


def test_run_that_fails_says_so_and_leaves_the_server_alive(client, monkeypatch, capfd):
    def failing(state, go_on):
        yield {"begun": 1}
        raise FloatingPointError("as planned")

    monkeypatch.setitem(SCREENS, "failing", Screen("failing", "", (), lambda state: "", failing))
    *_, last = client.parts("/ask/failing?")
    assert last == {"failed": "FloatingPointError: as planned"}
    assert "as planned" in capfd.readouterr().err
    assert client.answer(SMALL)["done"]


def test_page_may_reach_nothing_but_the_lab():
    text = "".join(body.decode() for _, body in page_files.live().values())
    addresses = set(re.findall(r"https?://[^\s\"'`)]+", text))
    assert addresses == {"http://www.w3.org/2000/svg"}


def test_port_in_use_is_said_and_another_taken(lab, capsys):
    port = lab.server_address[1]
    with serve(port) as other:
        assert other.server_address[1] != port
        assert other.server_address[0] == "127.0.0.1"
    assert f"Port {port} cannot be used" in capsys.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
def test_interrupt_ends_it_at_once():
    command = [sys.executable, "-m", "demos.lab", "--no-browser", "--port", "0"]
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a shell's background jobs are deaf to it
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heard
    ) as process:
        port = re.search(r" at http://127\.0\.0\.1:(\d+)/", process.stdout.readline())[1]
        running = http.client.HTTPConnection("127.0.0.1", int(port), timeout=10)
        running.request("GET", "/ask/train?depth=20&steps=300")
        assert running.getresponse().readline().startswith(b"data: ")  # and goes on for seconds
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 0
    assert errors == ""


def test_numbers_that_are_not_finite_travel_as_valid_json():
    values = {"a": [1.5, float("inf"), -float("inf"), None, "text"], "b": float("nan")}
    back = wire.unpacked(wire.packed(values))
    assert back["a"] == values["a"]
    assert back["b"] != back["b"]
    assert "NaN" not in wire.packed(values)
    assert wire.packed(0.000123456, 3) == "0.000123"
