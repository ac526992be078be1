#!/usr/bin/env python3
"""A bot as pywa's own documentation builds one: its own server, its own check of Meta's signature, its own handlers.

Usage: pywa_bot.py SECRET PHONE_NUMBER_ID. Prints the port that it is going to listen on, on loopback, then a line for each
message (`message ID TEXT`) and status (`status ID STATUS`) that its handlers are called with.
"""

import socket
import sys

from pywa import WhatsApp, types

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]

bot = WhatsApp(
    phone_id=sys.argv[2],
    token="not used",
    verify_token="not used",
    app_secret=sys.argv[1],
    validate_updates=True,
)


@bot.on_message
def message(_: WhatsApp, got: types.Message):
    print("message", got.id, got.text, flush=True)


@bot.on_message_status
def status(_: WhatsApp, got: types.MessageStatus):
    print("status", got.id, got.status.value, flush=True)


print(port, flush=True)
bot.run(port=port, log_level="critical")
