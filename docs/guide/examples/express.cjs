// npm install express; APP_SECRET=… VERIFY_TOKEN=… node express.cjs
const crypto = require("node:crypto");
const express = require("express");
const { APP_SECRET, VERIFY_TOKEN, PORT = 3000 } = process.env;
const app = express();
app.get("/webhook", ({ query }, answer) =>
  query["hub.verify_token"] === VERIFY_TOKEN ? answer.send(query["hub.challenge"]) : answer.sendStatus(403));
// The raw bytes are what is signed, so they are read before anything parses them.
app.post("/webhook", express.raw({ type: "*/*", limit: "4mb" }), (request, answer) => {
  const wanted = Buffer.from("sha256=" + crypto.createHmac("sha256", APP_SECRET).update(request.body).digest("hex"));
  const signature = Buffer.from(request.get("X-Hub-Signature-256") ?? "");
  if (signature.length !== wanted.length || !crypto.timingSafeEqual(signature, wanted)) return answer.sendStatus(401);
  for (const { changes } of JSON.parse(request.body).entry) for (const { field } of changes) console.log(field);
  answer.sendStatus(200);
});
app.listen(PORT, "127.0.0.1");
