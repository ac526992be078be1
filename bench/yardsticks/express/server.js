// A webhook receiver as one writes it by hand: Express, better-sqlite3. Verifies the signature, stores each message and
// status once, durably, and answers 200. One insert for each item, in one transaction for each request.
//
//   node server.js PORT SECRET FILE
"use strict";

const crypto = require("node:crypto");
const express = require("express");
const Database = require("better-sqlite3");

const [port, secret, file] = process.argv.slice(2);
const db = new Database(file);
db.pragma("journal_mode = WAL");
db.pragma("synchronous = FULL");
db.exec("CREATE TABLE events (key TEXT PRIMARY KEY, received_at INTEGER, data TEXT)");
const insert = db.prepare("INSERT OR IGNORE INTO events VALUES (?, ?, ?)");

const keep = db.transaction((body) => {
  const now = Date.now();
  for (const entry of body.entry ?? []) {
    for (const { value } of entry.changes ?? []) {
      for (const message of value.messages ?? []) {
        insert.run(`msg:${message.id}`, now, JSON.stringify(message));
      }
      for (const status of value.statuses ?? []) {
        insert.run(`status:${status.id}:${status.status}`, now, JSON.stringify(status));
      }
    }
  }
});

const app = express();
app.disable("x-powered-by");
app.disable("etag");
app.post("/webhook", express.raw({ type: "*/*", limit: "4mb" }), (request, response) => {
  const given = Buffer.from(request.get("x-hub-signature-256") ?? "");
  const right = Buffer.from(`sha256=${crypto.createHmac("sha256", secret).update(request.body).digest("hex")}`);
  if (given.length !== right.length || !crypto.timingSafeEqual(given, right)) {
    response.status(401).end();
    return;
  }
  keep(JSON.parse(request.body));
  response.status(200).end();
});
app.listen(Number(port), "127.0.0.1", 1024);
