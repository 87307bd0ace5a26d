// A server of the package ws. Usage: node ws.js PORT

import { WebSocketServer } from "ws";

import { subscribe } from "./subscription.js";

let server = null;
let latest = Buffer.alloc(0);

await subscribe((message) => {
  latest = Buffer.from(message);
  if (server) for (const client of server.clients) client.send(latest, { binary: false });
});
server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]), backlog: 4096, perMessageDeflate: false });
server.on("connection", (client) => {
  client.on("error", () => {});
  client.send(latest, { binary: false });
});
