// A receiver that trusts nothing but the `standardwebhooks` package: 204 for what it accepts, 401 for the rest.
//
// Usage: node standard_webhooks.mjs FOLDER SECRET, FOLDER being the one whose node_modules has the package. Prints the port
// that it listens on, on loopback.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";

const [folder, secret] = process.argv.slice(2);
const { Webhook } = createRequire(join(folder, "package.json"))("standardwebhooks");
const webhook = new Webhook(secret);

const server = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    try {
      webhook.verify(Buffer.concat(chunks), request.headers, { jsonParse: false });
      response.writeHead(204).end();
    } catch {
      response.writeHead(401).end();
    }
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
