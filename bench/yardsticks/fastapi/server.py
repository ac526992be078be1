"""A webhook receiver as one writes it by hand: FastAPI on uvicorn with uvloop, sqlite3. Verifies the signature, stores each
message and status once, durably, and answers 200. One insert for each item, in one transaction for each request.

    python server.py PORT SECRET FILE
"""

import hashlib
import hmac
import json
import sqlite3
import sys
import time

import uvicorn
from fastapi import FastAPI, Request, Response

port, secret, file = int(sys.argv[1]), sys.argv[2].encode(), sys.argv[3]
db = sqlite3.connect(file, isolation_level=None)
db.execute("PRAGMA journal_mode = WAL")
db.execute("PRAGMA synchronous = FULL")
db.execute("CREATE TABLE events (key TEXT PRIMARY KEY, received_at INTEGER, data TEXT)")
INSERT = "INSERT OR IGNORE INTO events VALUES (?, ?, ?)"

app = FastAPI(openapi_url=None)


def keep(body):
    now = int(time.time() * 1000)
    db.execute("BEGIN IMMEDIATE")
    for entry in body.get("entry", []):
        for change in entry.get("changes", []):
            value = change["value"]
            for message in value.get("messages", []):
                db.execute(INSERT, (f"msg:{message['id']}", now, json.dumps(message)))
            for status in value.get("statuses", []):
                db.execute(INSERT, (f"status:{status['id']}:{status['status']}", now, json.dumps(status)))
    db.execute("COMMIT")


@app.post("/webhook")
async def webhook(request: Request):
    body = await request.body()
    right = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(request.headers.get("x-hub-signature-256", ""), right):
        return Response(status_code=401)
    keep(json.loads(body))
    return Response(status_code=200)


uvicorn.run(app, host="127.0.0.1", port=port, loop="uvloop", http="httptools", log_level="error", access_log=False, backlog=2048)
