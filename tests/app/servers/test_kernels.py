"""No client can hang the server, whatever it sends."""

import contextlib
import json
import re
import threading
import uuid

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

pytestmark = pytest.mark.server

PROTOCOL = "v1.kernel.websocket.jupyter.org"


@pytest.fixture(scope="module")
def opened(app_server):
    """A server with a page open: its kernel's id, and the cookie."""
    cookie = app_server.cookie()
    _, _, text = app_server.ask("/", Cookie=cookie)
    return app_server, re.search(r'"kernelId": "([^"]+)"', text)[1], cookie


def join(opened, protocols=(PROTOCOL,), **headers):
    server, kernel, cookie = opened
    url = f"{server.url.split('?')[0].replace('http', 'ws')}api/kernels/{kernel}/channels"
    headers = {"Cookie": cookie, **headers}
    return connect(
        url, subprotocols=list(protocols) or None, additional_headers=headers, proxy=None
    )


def message(kind, content=None, channel=b"shell", header=None, raw=None):
    """Return a message as a browser frames it."""
    header = header or {
        "msg_id": uuid.uuid4().hex, "msg_type": kind, "username": "", "session": "s",
        "date": "2026-01-01T00:00:00Z", "version": "5.4",
    }  # fmt: skip
    parts = [channel, *(json.dumps(part).encode() for part in (header, {}, {}, content or {}))]
    if raw is not None:
        parts[1] = raw
    offsets = [8 * 7]
    for part in parts:
        offsets.append(offsets[-1] + len(part))
    return b"".join(n.to_bytes(8, "little") for n in [len(offsets), *offsets]) + b"".join(parts)


def is_well(opened):
    """Whether the server answers, and the kernel behind it."""
    assert opened[0].ask("/lab/index.css")[0] == 200
    with join(opened) as socket:
        socket.send(message("kernel_info_request"))
        while b"kernel_info_reply" not in socket.recv(timeout=20):
            pass


@pytest.mark.parametrize("protocols", [(), ("other",), ("", "v2", "v1.kernel.websocket")])
def test_clients_of_another_protocol_are_refused(opened, protocols):
    with pytest.raises(InvalidStatus) as refused, contextlib.suppress(ValueError):
        join(opened, [p for p in protocols if p])
    assert refused.value.response.status_code == 400
    is_well(opened)


def numbers(*values):
    return b"".join(n.to_bytes(8, "little") for n in values)


BAD = {
    "text": "{}",
    "nothing": b"",
    "short": b"\x06",
    "no offsets": numbers(0),
    "offsets without end": numbers(2**63 - 1, 0, 0),
    "more offsets than bytes": numbers(1000, 1, 2),
    "offsets that go back": numbers(6, 56, 40, 56, 56, 56, 56) + b"shell",
    "offsets past the end": numbers(6, 56, 61, 2**40, 2**40, 2**40, 2**40) + b"shell",
    "a large header": message("x", header={"msg_type": "comm_msg", "x": "y" * 100_000}),
    "a deep header": message("x", raw=b"[" * 60_000),
    "no JSON": numbers(6, 56, 61, 65, 67, 69, 71) + b"shell{{{{{}{}{}",
    "JSON without a type": message("x", header={"a": 1}),
    "a list for a header": message("x", header=[1, 2]),
    "no UTF-8": message("comm_msg", channel=b"\xff\xfe"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_message_closes_its_socket_and_nothing_else(opened, name):
    with join(opened) as socket:
        socket.send(BAD[name])
        with contextlib.suppress(ConnectionClosed):
            for _ in socket:
                pass
        assert socket.close_code == 1007
    is_well(opened)


@pytest.mark.parametrize("kind", ["execute_request", "input_reply", "complete_request", "anything"])
def test_nothing_executes(opened, kind, tmp_path):
    with join(opened) as socket:
        code = f"open({str(tmp_path / 'ran')!r}, 'w')"
        socket.send(message(kind, {"code": code, "silent": False}))
        socket.send(message("kernel_info_request"))
        while b"kernel_info_reply" not in socket.recv(timeout=20):
            pass
    assert list(tmp_path.iterdir()) == []


def test_a_socket_wants_the_cookie_and_our_own_page(opened):
    server, kernel, cookie = opened
    with pytest.raises(InvalidStatus) as refused:
        join((server, kernel, "none=1"))
    assert refused.value.response.status_code == 403
    with pytest.raises(InvalidStatus) as refused:
        join(opened, Origin="http://evil.invalid")
    assert refused.value.response.status_code == 403
    with pytest.raises(InvalidStatus) as refused:
        join((server, str(uuid.uuid4()), cookie))
    assert refused.value.response.status_code == 404


def test_clients_that_never_finish_hinder_nobody(opened):
    server, *_ = opened
    import socket as sockets

    port = int(server.url.split("/")[2].split(":")[1])
    idle = [sockets.create_connection(("127.0.0.1", port)) for _ in range(50)]
    for number, one in enumerate(idle):
        one.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"[: number % 30])
    is_well(opened)
    for one in idle:
        one.close()


def test_many_pages_at_once_are_bounded(start_server, monkeypatch):
    server = start_server("app", prelude=(
        "import f2f_viz.app.servers.kernels as kernels; kernels.MOST_KERNELS = 2"))  # fmt: skip
    cookie = server.cookie()
    got = []
    threads = [
        threading.Thread(target=lambda: got.append(server.ask("/", Cookie=cookie)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    whole = [text for status, _, text in got if "kernelId" in text]
    assert len(whole) == 2
    assert len(server.kernels()) == 2
