#!/usr/bin/env python3
"""A receiver that trusts the `cloudevents` and `standardwebhooks` packages alone.

Answers 204 to a CloudEvent in structured mode whose signature fits, 401 to a signature that does not, 400 to what is no
CloudEvent. Usage: cloud_events.py SECRET. Prints the port that it listens on, on loopback, then a line of JSON for each
event that it accepts.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from standardwebhooks import Webhook, WebhookVerificationError


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(self.judge({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_header("content-length", "0")
        self.end_headers()

    def judge(self, headers, body):
        try:
            Webhook(sys.argv[1]).verify(body, headers, json_parse=False)
        except WebhookVerificationError:
            return 401
        if headers["content-type"] != "application/cloudevents+json":
            return 400
        try:
            event = from_http_event(HTTPMessage(headers, body))
        except Exception:
            return 400
        told = {
            "id": event.get_id(),
            "source": event.get_source(),
            "type": event.get_type(),
            "specversion": event.get_specversion(),
            "subject": event.get_subject(),
            "time": event.get_time().isoformat(),
            "data": event.get_data(),
        }
        print(json.dumps(told), flush=True)
        return 204

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_port, flush=True)
server.serve_forever()
