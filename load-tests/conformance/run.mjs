// The public tests of HTTP caches (npm: http-cache-tests) against the proxy with config/examples/any-origin.toml.
//
//   node run.mjs --proxy BINARY [--id TEST] [--json FILE]
//
// Prints each required or optimal test that does not pass and, as the last line, how many do. It fails where one fails that
// expected-failures.toml does not name, and where one passes that it does. With --id one test is run and all its messages shown.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import fetch from "node-fetch";
import { parse } from "smol-toml";
import { startOrigin, startProxy, stopAll } from "./servers.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const CONFIG = path.join(here, "../../config/examples/any-origin.toml");
const EXPECTED = path.join(here, "expected-failures.toml");
const KINDS = ["required", "optimal"];

const { values: options } = parseArgs({
  options: { proxy: { type: "string" }, id: { type: "string" }, json: { type: "string" } },
});

const suiteFolder = path.dirname(createRequire(import.meta.url).resolve("http-cache-tests/package.json"));
const suiteModule = (name) => import(path.join(suiteFolder, name));
const { runTests, getResults } = await suiteModule("client/runner.mjs");
const { determineTestResult } = await suiteModule("lib/display.mjs");
// As the suite's own cli.mjs: the tests of its index and those of Surrogate-Control.
const suites = [...(await suiteModule("tests/index.mjs")).default, (await suiteModule("tests/surrogate-control.mjs")).default];
const tests = suites.flatMap((suite) => suite.tests).filter((test) => test.browser_only !== true);
const kindOf = (test) => test.kind ?? "required";

/** What the suite says of a test, dependencies counted: "pass", or why not. */
function verdict(test, results) {
  const result = results[test.id];
  if (["✅", "Y"].includes(determineTestResult(suites, test.id, results)[2])) return "pass";
  if (result === true) {
    const open = test.depends_on.filter((id) => results[id] !== true);
    return `depends on ${(open.length > 0 ? open : test.depends_on).join(", ")}`;
  }
  return result === undefined ? "did not run" : `${result[0] === "Assertion" ? "" : `${result[0]}: `}${result[1]}`;
}

function expectedFailures() {
  const entries = parse(readFileSync(EXPECTED, "utf8")).failure ?? [];
  const found = new Map();
  for (const entry of entries) {
    const test = tests.find(({ id }) => id === entry.id);
    if (test === undefined || kindOf(test) !== entry.kind || !entry.reason || found.has(entry.id)) {
      throw new Error(`expected-failures.toml: \`${entry.id}\` must name a test once, with its kind and a reason`);
    }
    found.set(entry.id, entry.reason);
  }
  return found;
}

function report(results) {
  const expected = expectedFailures();
  const counted = tests.filter((test) => KINDS.includes(kindOf(test)));
  const failing = counted.filter((test) => verdict(test, results) !== "pass");
  const unexpected = failing.filter(({ id }) => !expected.has(id));
  const passing = [...expected.keys()].filter((id) => !failing.some((test) => test.id === id));
  const width = Math.max(...failing.map(({ id }) => id.length), 0);
  for (const test of failing) {
    const mark = expected.has(test.id) ? "expected  " : "UNEXPECTED";
    console.log(`${mark} ${kindOf(test).padEnd(8)} ${test.id.padEnd(width)} ${verdict(test, results)}`);
  }
  for (const id of passing) console.log(`PASSES NOW ${id}: take it out of expected-failures.toml`);
  const shares = KINDS.map((kind) => {
    const all = counted.filter((test) => kindOf(test) === kind);
    return `${kind}=${all.filter((test) => verdict(test, results) === "pass").length}/${all.length}`;
  });
  console.log(`CONFORMANCE ${shares.join(" ")}`);
  return unexpected.length === 0 && passing.length === 0;
}

/** Runs one test and shows what was sent and answered on both sides. */
async function runOne(id, url) {
  const test = tests.find((candidate) => candidate.id === id);
  if (test === undefined) throw new Error(`there is no test \`${id}\``);
  test.dump = true;
  await runTests([{ tests: [test] }], fetch, false, url);
  const result = getResults()[id];
  console.log(result === true ? "passes" : `fails: ${result.join(": ")}`);
  return result === true;
}

async function runAll(url) {
  const progress = setInterval(() => {
    console.error(`conformance: ${Object.keys(getResults()).length} of ${tests.length} tests done`);
  }, 5000);
  await runTests(suites, fetch, false, url);
  clearInterval(progress);
  if (options.json) writeFileSync(options.json, JSON.stringify(getResults(), null, 2));
  return report(getResults());
}

for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(130));
process.on("exit", stopAll);
let good = false;
try {
  if (!options.proxy) throw new Error("--proxy BINARY is needed: `make conformance` builds and names it");
  const upstream = await startOrigin(suiteFolder, options.id !== undefined);
  const url = await startProxy(path.resolve(options.proxy), CONFIG, upstream, options.id !== undefined);
  good = await (options.id ? runOne(options.id, url) : runAll(url));
} catch (error) {
  console.error(`conformance: ${error.message}`);
}
process.exit(good ? 0 : 1);
