// An origin that answers with what it was asked, and keeps a list of it. Prints two ports: its own, and that of the list, which is
// handed out and begun anew each time that it is asked for.
import http from "node:http";

let seen = [];

const options = { insecureHTTPParser: process.argv[2] === "lenient", keepAliveTimeout: 600_000 };
const origin = http.createServer(options, (request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  // A request whose connection ends before its content does is none.
  request.on("end", () => {
    const line = `${request.method} ${request.url}`;
    const body = Buffer.concat(chunks).toString();
    seen.push({ line, body });
    const text = Buffer.from(`${line}\n${body}`);
    response.writeHead(200, { "Cache-Control": "max-age=60", "Content-Length": text.length });
    response.end(text);
  });
});
origin.on("connect", (request, socket) => {
  seen.push({ fault: `CONNECT ${request.url}` });
  socket.destroy();
});
origin.on("clientError", (error, socket) => {
  const isCut = error.code === "ECONNRESET" || error.code === "HPE_INVALID_EOF_STATE";
  if (!isCut) seen.push({ fault: `${error.code} ${error.reason}: ${error.rawPacket}` });
  socket.destroy();
});

const list = http.createServer((_, response) => {
  response.end(JSON.stringify(seen));
  seen = [];
});

origin.listen(0, "127.0.0.1", () => {
  list.listen(0, "127.0.0.1", () => console.log(`${origin.address().port} ${list.address().port}`));
});
