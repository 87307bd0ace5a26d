// The messages of a Redis channel, read as cheaply as it goes: a message is the line that begins with a brace.

import net from "node:net";

/** Calls `take` with each message, a string, from now on; returns when it is subscribed. */
export function subscribe(take) {
  const address = new URL(process.env.REDIS_URL);
  const connection = net.connect(Number(address.port), address.hostname);
  const command = (...words) =>
    `*${words.length}\r\n` + words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("");
  connection.write(command("AUTH", decodeURIComponent(address.password)) + command("SUBSCRIBE", process.env.REDIS_CHANNEL));
  connection.setEncoding("utf8");
  let rest = "";
  return new Promise((subscribed, refused) => {
    connection.on("data", (data) => {
      const lines = (rest + data).split("\r\n");
      rest = lines.pop();
      for (const line of lines) {
        if (line.startsWith("{")) take(line);
        else if (line === ":1") subscribed();
        else if (line.startsWith("-")) refused(new Error(`Redis refuses: ${line}`));
      }
    });
    connection.on("close", () => process.exit(1));
  });
}
