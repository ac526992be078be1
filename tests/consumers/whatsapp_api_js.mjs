// A receiver that trusts nothing but the `whatsapp-api-js` package: its check of Meta's signature, its handlers.
//
// Usage: node whatsapp_api_js.mjs FOLDER SECRET VERIFY_TOKEN, FOLDER being the one whose node_modules has the package. Prints
// the port that it listens on, on loopback, then a JSON line for each message and each status that a handler is called with.

import { createServer } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, appSecret, webhookVerifyToken] = process.argv.slice(2);
const library = join(folder, "node_modules/whatsapp-api-js/lib/middleware/node-http.js");
const { WhatsAppAPI } = await import(pathToFileURL(library));
const whatsapp = new WhatsAppAPI({ token: "not used", appSecret, webhookVerifyToken, v: "v23.0" });
const tell = (told) => console.log(JSON.stringify(told));
whatsapp.on.message = ({ from, message, phoneID }) => tell({ message: message.type, id: message.id, from, phoneID });
whatsapp.on.status = ({ id, status, phone, error }) => tell({ status, id, phone, code: error?.code });

const server = createServer(async (request, response) => {
  try {
    if (request.method === "GET") return response.end(whatsapp.handle_get(request));
    response.statusCode = await whatsapp.handle_post(request);
  } catch (status) {
    response.statusCode = status;
  }
  response.end();
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
