// What every peer's program shares: its arguments, its two kinds of lines, and its end. It must not know any peer.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";

const OPTIONS = {
  n: { type: "string" },
  "in-flight": { type: "string", default: "128" },
  database: { type: "string" },
  ingress: { type: "string" },
  admin: { type: "string" },
};

/** The task (`workflows`, `jobs` or `pickup`) and its options; `n` operations, `inFlight` of them at the same time. */
function arguments_() {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  const n = Number(values.n);
  const inFlight = Number(values["in-flight"]);
  if (positionals.length !== 1 || !(n > 0) || !(inFlight > 0)) throw new Error("PROGRAM TASK --n N [--in-flight N] …");
  return { task: positionals[0], n, inFlight, database: values.database, ingress: values.ingress, admin: values.admin };
}

let read = () => {};

/** Runs the program's task and ends the process, with 1 where it failed. */
export async function run(tasks) {
  // Whoever started this program holds the way to it open; a closed one means that nobody waits for the answer.
  if (process.send) process.on("disconnect", () => process.exit(1));
  else process.stdin.on("end", () => process.exit(1)).on("data", () => read()).resume();
  try {
    const asked = arguments_();
    if (!tasks[asked.task]) throw new Error(`no task ${asked.task}, only ${Object.keys(tasks).join(", ")}`);
    await tasks[asked.task](asked);
    process.exit(0);
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
}

/** Says that everything is prepared. From here to the measurement, CPU time counts. Returns the clock's milliseconds. */
export function begin(what) {
  console.log(JSON.stringify({ begin: what }));
  return performance.now();
}

/**
 * Prints a measurement of `n` operations in `elapsed` milliseconds; `latencies` in milliseconds, where there are some.
 * Until it returns, no process may end: the CPU time of all of them is being read.
 */
export async function measured(system, what, n, elapsed, latencies = []) {
  const sorted = latencies.toSorted((a, b) => a - b);
  const seconds = elapsed / 1000;
  console.log(JSON.stringify({
    system, what, n, seconds, per_second: n / seconds,
    p50_ms: percentile(sorted, 0.5), p99_ms: percentile(sorted, 0.99), rss_mb: process.memoryUsage().rss / 2 ** 20,
  }));
  await new Promise((resolve) => (read = resolve));
}

function percentile(sorted, share) {
  return sorted.length === 0 ? null : sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

/** Does `operation(i)` for i from 0 to n - 1, `inFlight` at the same time. Returns the milliseconds that each took. */
export async function inFlight(count, n, operation) {
  const latencies = [];
  let next = 0;
  const lane = async () => {
    while (next < n) {
      const i = next++;
      const started = performance.now();
      await operation(i);
      latencies.push(performance.now() - started);
    }
  };
  await Promise.all(Array.from({ length: count }, lane));
  return latencies;
}

/** Fails loudly where a peer answers something else than what its steps compute. */
export function same(found, expected) {
  if (found !== expected) throw new Error(`expected ${expected}, found ${found}`);
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Milliseconds that processes of one machine agree on, finer than Date.now(). */
export const wallClock = () => performance.timeOrigin + performance.now();

/** The name and installed version of a package. */
export function system(name) {
  const { version } = JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url), "utf8"));
  return `${name.split("/").at(-1)} ${version}`;
}
