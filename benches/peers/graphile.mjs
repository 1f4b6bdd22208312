// graphile-worker on PostgreSQL: no-op jobs in its fastest configuration, and how soon an idle worker picks a job up.
import { fork } from "node:child_process";
import { Logger, makeWorkerUtils, run as work } from "graphile-worker";
import { Pool } from "pg";
import { begin, measured, run, sleep, system, wallClock } from "./program.mjs";

const BULK = 1000;
const LOOK_EVERY_MS = 2;
/** How long the pick-up's worker is left alone before the first job, and the longest pause between two jobs. */
const SETTLE_MS = 1500;
const PAUSE_MS = 30;

const SILENT = new Logger(() => () => {});
const BATCHES = {
  concurrentJobs: 24, maxPoolSize: 25, completeJobBatchDelay: 0, failJobBatchDelay: 0,
  localQueue: { size: 500, refetchDelay: { durationMs: 10 } },
};

await run({ jobs, pickup, "pickup-worker": pickupWorker });

async function jobs({ n, database }) {
  const pool = new Pool({ connectionString: database, max: 2 });
  pool.on("error", (error) => console.error(error)).on("connect", (client) => client.on("error", () => {}));
  const utils = await makeWorkerUtils({ pgPool: pool, logger: SILENT });
  await utils.migrate();
  for (let from = 0; from < n; from += BULK) {
    const length = Math.min(BULK, n - from);
    await utils.addJobs(Array.from({ length }, (_, i) => ({ identifier: "noop", payload: { i: from + i } })));
  }
  await pool.query("VACUUM ANALYZE graphile_worker._private_jobs");
  let done = 0;
  let first;
  const noop = async () => {
    first ??= performance.now();
    done += 1;
  };
  begin("jobs");
  const runner = await work({ preset: { worker: { connectionString: database, logger: SILENT, ...BATCHES } }, taskList: { noop } });
  while (done < n) await sleep(LOOK_EVERY_MS);
  // A finished job is a deleted row: only then does its end survive a crash.
  const left = "SELECT EXISTS (SELECT 1 FROM graphile_worker._private_jobs) AS some";
  while ((await pool.query(left)).rows[0].some) await sleep(LOOK_EVERY_MS);
  await measured(system("graphile-worker"), "jobs", n, performance.now() - first);
  await runner.stop();
}

/** From the call that enqueues to the start of the handler in an idle worker, which is another process. */
async function pickup({ n, database }) {
  const utils = await makeWorkerUtils({ connectionString: database, logger: SILENT });
  await utils.migrate();
  const worker = fork(new URL(import.meta.url), ["pickup-worker", "--n", String(n), "--database", database], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  let told;
  worker.on("message", (message) => told(message)).on("exit", () => told(new Error("the worker ended")));
  const next = async () => {
    const message = await new Promise((resolve) => (told = resolve));
    if (message instanceof Error) throw message;
    return message;
  };
  await next();
  await sleep(SETTLE_MS);
  const latencies = [];
  const started = begin("pickup");
  for (let i = 0; i < n; i++) {
    const answer = next();
    await utils.addJob("stamp", { called: wallClock() });
    latencies.push(await answer);
    await sleep(PAUSE_MS * Math.random());
  }
  await measured(system("graphile-worker"), "pickup", n, performance.now() - started, latencies);
  worker.kill("SIGKILL");
}

async function pickupWorker({ database }) {
  const stamp = async ({ called }) => process.send(wallClock() - called);
  await work({ preset: { worker: { connectionString: database, logger: SILENT } }, taskList: { stamp } });
  process.send("ready");
  await new Promise(() => {});
}
