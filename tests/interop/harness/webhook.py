"""Receives push notifications on the loopback interface."""

import http.server
import json
import threading
import time


class Webhook:
    def __init__(self):
        self.arrived = []
        self.more = threading.Condition()
        webhook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with webhook.more:
                    webhook.arrived.append((self.path, dict(self.headers.items()), body))
                    webhook.more.notify_all()
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def wait(self, path, wanted, wait_secs=15):
        """The notifications at `path`, once one of them is what is wanted; else whatever came."""
        until = time.monotonic() + wait_secs
        with self.more:
            while True:
                seen = [
                    ({name.lower(): value for name, value in headers.items()}, json.loads(body))
                    for where, headers, body in self.arrived
                    if where == path
                ]
                left = until - time.monotonic()
                if any(wanted(body) for _, body in seen) or left <= 0:
                    return seen
                self.more.wait(left)
