"""A client of WebSocket connections (RFC 6455), as far as the tests of a deployment need it: text messages over TCP."""

import base64
import hashlib
import json
import os
import socket
import struct
from urllib.parse import urlsplit

# RFC 6455, section 1.3.
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class Refused(Exception):
    """The server has not accepted the connection. Contains the status of its answer."""


class WebSocket:
    def __init__(self, url, timeout):
        """Connects to a `ws` URL. `timeout` in seconds is for each read."""
        parts = urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port or 80), timeout)
        self.stream = self.socket.makefile("rb")
        self.waiting = []
        key = base64.b64encode(os.urandom(16)).decode()
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        lines = [
            f"GET {target} HTTP/1.1",
            f"Host: {parts.netloc}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}",
        ]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        status = self.stream.readline().split(b" ")[1:2]
        headers = {}
        while line := self.stream.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        if status != [b"101"]:
            raise Refused(b"".join(status).decode())
        accepted = base64.b64encode(hashlib.sha1((key + GUID).encode(), usedforsecurity=False).digest()).decode()
        if headers.get("sec-websocket-accept") != accepted:
            raise Refused("the handshake is not one of WebSocket")

    def send(self, frame):
        """Sends a frame of the API."""
        self._send(TEXT, json.dumps(frame).encode())

    def receive(self):
        """Returns the next frame of the API. A message of several frames is returned frame by frame."""
        while not self.waiting:
            message = json.loads(self._message())
            self.waiting = message if isinstance(message, list) else [message]
        return self.waiting.pop(0)

    def until(self, kind):
        """Returns the first frame of a type, and skips the frames before it."""
        while (frame := self.receive())["type"] != kind:
            pass
        return frame

    def close(self):
        self.socket.close()

    def _send(self, operation, payload):
        length = len(payload)
        if length < 126:
            head = struct.pack("!BB", 0x80 | operation, 0x80 | length)
        else:
            head = struct.pack("!BBH", 0x80 | operation, 0x80 | 126, length)
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
        self.socket.sendall(head + mask + masked)

    def _message(self):
        """Returns the text of the next message, and answers pings before it."""
        text = b""
        while True:
            first, second = self._read(2)
            length = second & 0x7F
            if length == 126:
                (length,) = struct.unpack("!H", self._read(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", self._read(8))
            payload, operation = self._read(length), first & 0xF
            if operation == CLOSE:
                raise ConnectionError("the server has closed the connection")
            if operation == PING:
                self._send(PONG, payload)
            elif operation != PONG:
                text += payload
                if first & 0x80:
                    return text

    def _read(self, count):
        read = self.stream.read(count)
        if len(read) < count:
            raise ConnectionError("the connection has ended")
        return read
