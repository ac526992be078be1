#!/usr/bin/env python3
"""A bot of pywa with a handler for everything that pywa knows, its check of Meta's signature on.

Usage: pywa_every.py SECRET VERIFY_TOKEN. Prints the port that it is going to listen on, on loopback, then a JSON line for
each update that a handler is called with: the handler's name, and what pywa read of it.
"""

import json
import socket
import sys

from pywa import WhatsApp, handlers

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]

bot = WhatsApp(
    token="not used",
    verify_token=sys.argv[2],
    app_secret=sys.argv[1],
    validate_updates=True,
    webhook_challenge_delay=0,
)


def called(name):
    def callback(_, got):
        if name == "GroupMessageStatusesHandler":
            got = got[0]
        told = {"handler": name, "id": getattr(got, "id", None), "type": str(getattr(got, "type", "")) or None}
        status = getattr(got, "status", None)
        told["status"] = getattr(status, "value", None)
        sender = getattr(got, "from_user", None)
        told["from"] = getattr(sender, "wa_id", None)
        for content in ("text", "caption"):
            told[content] = getattr(got, content, None)
        for media in ("image", "video", "document", "audio", "sticker"):
            if getattr(got, media, None) is not None:
                told["media"] = getattr(got, media).mime_type
        told["code"] = getattr(getattr(got, "error", None), "code", None)
        # Handlers run at the same time: one write is one line.
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()

    return callback


for name, handler in vars(handlers).items():
    is_one = isinstance(handler, type) and issubclass(handler, handlers.Handler)
    if is_one and name.endswith("Handler") and name not in ("Handler", "_FactoryHandler", "RawUpdateHandler"):
        bot.add_handlers(handler(callback=called(name)))

print(port, flush=True)
bot.run(port=port, log_level="critical")
