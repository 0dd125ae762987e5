"""What the servers' sockets do for the page."""

import socket

from f2f_viz.app.servers.listening import listen


def test_connections_send_short_messages_at_once():
    (own,) = listen(None)
    own.setblocking(True)
    with own, socket.create_connection(own.getsockname(), 5), own.accept()[0] as served:
        assert served.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
