// A server of Socket.IO, websockets only. Usage: node socketio.js PORT

import { createServer } from "node:http";

import { Server } from "socket.io";

import { subscribe } from "./subscription.js";

const http = createServer();
const server = new Server(http, {
  transports: ["websocket"],
  perMessageDeflate: false,
  serveClient: false,
  pingInterval: 300000, // clients of the measurement answer no pings of its own kind
});
let latest = null;

await subscribe((message) => {
  latest = JSON.parse(message);
  server.emit("update", latest);
});
server.on("connection", (client) => client.emit("update", latest));
http.listen({ host: "127.0.0.1", port: Number(process.argv[2]), backlog: 4096 });
