#!/usr/bin/env python3
"""A bot of pywa that does by itself what its documentation says: it sets its callback, sends a text, waits for its statuses.

Usage: pywa_graph.py SECRET GRAPH_URL APP_ID WABA_ID PHONE_NUMBER_ID SCOPE, SCOPE being APP, WABA or PHONE. Prints the port
that it is going to listen on, on loopback; then `sent ID`, and `status ID STATUS` for each status.
"""

import socket
import sys
import threading
import time

from pywa import WhatsApp, types, utils

secret, graph, app_id, waba_id, phone_id, scope = sys.argv[1:]
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]

bot = WhatsApp(
    phone_id=phone_id,
    waba_id=waba_id,
    token="any token",
    verify_token="the-bots-own-token",
    app_id=int(app_id),
    app_secret=secret,
    validate_updates=True,
)
bot.api._session.base_url = f"{graph}/v{utils.Version.GRAPH_API}"


@bot.on_message_status
def status(_: WhatsApp, got: types.MessageStatus):
    print("status", got.id, got.status.value, flush=True)


def play():
    bot._callback_url = f"http://127.0.0.1:{port}"
    bot._callback_url_scope = utils.CallbackURLScope[scope]
    bot._webhook_fields = ("messages",)
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.02)
    bot._register_callback_url()
    print("sent", bot.send_message(to="16505551234", text="Hello").id, flush=True)


threading.Thread(target=play, daemon=True).start()
print(port, flush=True)
bot.run(port=port, log_level="critical")
