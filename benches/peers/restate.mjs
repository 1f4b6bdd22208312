// Restate: the caller of workflows of three steps. The server runs already; the service with the handler is a process
// of its own (restate-service.mjs), which belongs to this one.
import { fork } from "node:child_process";
import { connect } from "node:http2";
import { begin, inFlight, measured, run, same, sleep, system } from "./program.mjs";

const WARM_UP = 500;
const PATIENCE_MS = 30_000;
const LOOK_EVERY_MS = 50;

await run({
  async workflows({ n, inFlight: lanes, ingress, admin }) {
    const service = fork(new URL("restate-service.mjs", import.meta.url));
    const address = await new Promise((resolve, reject) => {
      service.once("message", resolve).once("exit", () => reject(new Error("the service ended")));
    });
    await registered(admin, address);
    const connection = connect(ingress);
    const once = async (i) => same(await call(connection, "/bench/three", i), i + 3);
    await ready(() => once(0));
    await inFlight(lanes, WARM_UP, once);
    const started = begin("workflows");
    const latencies = await inFlight(lanes, n, once);
    await measured(system("@restatedev/restate-server"), "workflows", n, performance.now() - started, latencies);
    service.kill("SIGKILL");
  },
});

/** Tells the server of the service, as soon as the server answers. */
async function registered(admin, uri) {
  await ready(async () => {
    const options = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ uri }) };
    const answer = await fetch(`${admin}/deployments`, options);
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  });
}

async function ready(attempt) {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > until) throw error;
      await sleep(LOOK_EVERY_MS);
    }
  }
}

/** One HTTP/2 connection for all callers: a sixth faster than one HTTP/1 connection each. */
function call(connection, path, input) {
  return new Promise((resolve, reject) => {
    const stream = connection.request({ ":method": "POST", ":path": path, "content-type": "application/json" });
    let status;
    let text = "";
    stream.setEncoding("utf8").on("response", (headers) => (status = headers[":status"]));
    stream.on("data", (part) => (text += part)).on("error", reject).on("end", () => {
      if (status === 200) resolve(JSON.parse(text));
      else reject(new Error(`${status} ${text}`));
    });
    stream.end(JSON.stringify(input));
  });
}
