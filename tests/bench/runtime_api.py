"""The part of the Lambda Runtime API that one function's process needs: hands out events one at a time, takes answers.

It is not an emulator of Lambda: it has no limits, freezes nothing and keeps no logs. It records when it was asked."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NEXT = "/2018-06-01/runtime/invocation/next"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:bench"
# Seconds. A subject in valgrind takes about fifty times as long as outside.
TIMEOUT = 600


class Failed(Exception):
    """The subject reported an error, ended, or gave a wrong answer."""


class RuntimeApi:
    """Serves one process with the given number of events of a workload. The workload checks each answer."""

    def __init__(self, workload, count):
        self.workload = workload
        self.left = count
        self.first_poll = None
        self.failure = None
        self.millis = []
        self.idle = threading.Event()
        self._given = None
        self._resume = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self):
        return "127.0.0.1:%d" % self._server.server_address[1]

    def more(self, count):
        """Hands out `count` more events. The first one answers the poll that is waiting."""
        self.idle.clear()
        self.left += count
        self._resume.set()

    def wait(self, process):
        """Waits until all events are answered and the process asks for another one."""
        deadline = time.monotonic() + TIMEOUT
        while not self.idle.wait(0.02):
            if process.poll() is not None:
                raise Failed(f"the process ended with {process.returncode}")
            if time.monotonic() > deadline:
                raise Failed("no answer in %d s" % TIMEOUT)
            if self.failure:
                raise Failed(self.failure)
        if self.failure:
            raise Failed(self.failure)

    def _next(self):
        """Returns the next event. Waits while there is none."""
        self.first_poll = self.first_poll or time.perf_counter()
        while self.left == 0:
            self._resume = threading.Event()
            self.idle.set()
            self._resume.wait()
        self.left -= 1
        event = json.dumps(self.workload.event()).encode()
        self._given = time.perf_counter()
        return event

    def _answered(self, path, body):
        self.millis.append((time.perf_counter() - self._given) * 1000)
        if not path.endswith("/response"):
            self.failure = self.failure or "{}: {}".format(path, body.decode(errors="replace"))
            return
        try:
            self.workload.answered(json.loads(body))
        except Exception as wrong:  # `wait` raises it again.
            self.failure = self.failure or repr(wrong)

    def _handler(self):
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def do_GET(self):
                if self.path != NEXT:
                    self._send(404, b"{}", {})
                    return
                event = api._next()
                self._send(
                    200,
                    event,
                    {
                        "Lambda-Runtime-Aws-Request-Id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
                        "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + 900_000),
                        "Lambda-Runtime-Invoked-Function-Arn": ARN,
                        "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0",
                    },
                )

            def do_POST(self):
                api._answered(self.path, self._body())
                self._send(202, b'{"status":"OK"}', {})

            def _body(self):
                if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length", 0)))
                body = b""
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def _send(self, status, body, headers):
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler
