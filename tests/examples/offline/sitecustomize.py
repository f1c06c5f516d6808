"""Python imports this at its start where the folder is on its path: connections beyond this machine are refused."""

import socket

_LOCAL = {"localhost", "127.0.0.1", "::1", "0.0.0.0", "", None, socket.gethostname()}
_look_up = socket.getaddrinfo
_connect = socket.socket.connect


def _local(host):
    return (host.decode() if isinstance(host, bytes) else host) in _LOCAL


def _getaddrinfo(host, *arguments, **named):
    if not _local(host):
        raise OSError(f"examples run offline: {host} was asked for")
    return _look_up(host, *arguments, **named)


def _connect_locally(self, address):
    if isinstance(address, tuple) and not _local(address[0]):
        raise OSError(f"examples run offline: {address[0]} was asked for")
    return _connect(self, address)


socket.getaddrinfo = _getaddrinfo
socket.socket.connect = _connect_locally
