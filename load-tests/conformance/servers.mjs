// The two processes of a run: the suite's own origin, and the proxy in front of it. Both end with this one.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";

const START_LIMIT_MS = 20_000;
const running = new Set();

/** Starts a process that ends with this one; `lines` is told each line that it prints. */
function start(command, args, options, lines) {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  child.on("exit", () => running.delete(child));
  const failed = new Promise((_, reject) => {
    child.on("error", (error) => reject(new Error(`cannot start ${command}: ${error.message}`)));
    child.on("exit", (code, signal) => reject(new Error(`${command} ended with ${signal ?? code}`)));
  });
  // It counts only while somebody waits for the start.
  failed.catch(() => {});
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on("line", lines);
  return failed;
}

/** Ends both. */
export function stopAll() {
  for (const child of running) child.kill("SIGTERM");
}

function within(limit, what, promises) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} within ${limit / 1000} s`)), limit);
  });
  return Promise.race([...promises, late]).finally(() => clearTimeout(timer));
}

/** Starts the suite's server in `folder`, on a port that the system chooses; returns `host:port`. */
export async function startOrigin(folder, verbose) {
  // Its pid file is the one thing that it writes.
  const scratch = mkdtempSync(path.join(tmpdir(), "conformance-"));
  process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
  const env = { ...process.env, npm_config_protocol: "http", npm_config_port: "0", npm_config_pidfile: path.join(scratch, "pid") };
  let failed;
  const port = new Promise((resolve) => {
    failed = start(process.execPath, ["server/server.mjs"], { cwd: folder, env }, (line) => {
      const found = /^Listening on .*:(\d+)\/$/.exec(line);
      if (found) resolve(Number(found[1]));
      else if (verbose) console.log(line);
    });
  });
  return `127.0.0.1:${await within(START_LIMIT_MS, "the suite's server did not listen", [port, failed])}`;
}

/** Starts the proxy before `upstream`; returns its URL. */
export async function startProxy(binary, config, upstream, verbose) {
  const [listen, ops] = await freeAddresses(2);
  const env = { ...process.env, VITRINE_LISTEN: listen, VITRINE_OPS: ops, VITRINE_UPSTREAM: upstream };
  // Access logs would drown what it says of its start.
  env.VITRINE_LOG ??= "warn,access=off";
  const said = [];
  const failed = start(binary, ["--config", config], { env }, (line) => {
    if (verbose) console.log(line);
    else if (said.length < 20) said.push(line);
  });
  const listens = (async () => {
    while (!(await accepts(listen))) await new Promise((resolve) => setTimeout(resolve, 50));
  })();
  try {
    await within(START_LIMIT_MS, "the proxy did not listen", [listens, failed]);
  } catch (error) {
    throw new Error([error.message, ...said].join("\n  "));
  }
  return `http://${listen}`;
}

/** Addresses that were free a moment ago, all at once so that none is given twice. */
async function freeAddresses(count) {
  const servers = await Promise.all(
    Array.from({ length: count }, () => new Promise((resolve, reject) => {
      const server = net.createServer().on("error", reject).listen(0, "127.0.0.1", () => resolve(server));
    })),
  );
  const addresses = servers.map((server) => `127.0.0.1:${server.address().port}`);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return addresses;
}

function accepts(address) {
  const [host, port] = address.split(":");
  return new Promise((resolve) => {
    const socket = net.connect(Number(port), host);
    socket.on("connect", () => { socket.destroy(); resolve(true); });
    socket.on("error", () => resolve(false));
  });
}
