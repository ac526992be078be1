#!/usr/bin/env python3
"""A receiver that trusts nothing but the `standardwebhooks` package: 204 for what it accepts, 401 for the rest.

Usage: standard_webhooks.py SECRET. Prints the port that it listens on, on loopback.
"""

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from standardwebhooks import Webhook, WebhookVerificationError


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            Webhook(sys.argv[1]).verify(body, dict(self.headers), json_parse=False)
            self.send_response(204)
        except WebhookVerificationError as refusal:
            self.send_response(401, str(refusal))
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_port, flush=True)
server.serve_forever()
