// Restate: the caller of workflows of three steps. The server runs already; the service with the handler is a process
// of its own (restate-service.mjs), which belongs to this one.
import { fork } from "node:child_process";
import { Agent, request } from "node:http";
import { begin, inFlight, measured, run, same, sleep, system } from "./program.mjs";

const WARM_UP = 1000;
const PATIENCE_MS = 30_000;
const LOOK_EVERY_MS = 50;

await run({
  async workflows({ n, inFlight: lanes, ingress, admin }) {
    const service = fork(new URL("restate-service.mjs", import.meta.url));
    const address = await new Promise((resolve, reject) => {
      service.once("message", resolve).once("exit", () => reject(new Error("the service ended")));
    });
    await registered(admin, address);
    const agent = new Agent({ keepAlive: true, maxSockets: lanes });
    const once = async (i) => same(await call(agent, `${ingress}/bench/three`, i), i + 3);
    await ready(() => once(0));
    await inFlight(lanes, WARM_UP, once);
    const started = begin("workflows");
    const latencies = await inFlight(lanes, n, once);
    measured(system("@restatedev/restate-server"), "workflows", n, performance.now() - started, latencies);
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

/** node:http rather than fetch: it costs the caller a third of the CPU, and the caller shares the machine. */
function call(agent, url, input) {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify(input);
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const sent = request(url, { method: "POST", agent, headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part) => (text += part)).on("end", () => {
        if (answer.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(`${answer.statusCode} ${text}`));
      });
    });
    sent.on("error", reject).end(body);
  });
}
