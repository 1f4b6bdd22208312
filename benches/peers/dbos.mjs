// DBOS for TypeScript on PostgreSQL: workflows of three steps, called directly, which is its fastest way.
import { DBOS } from "@dbos-inc/dbos-sdk";
import { begin, inFlight, measured, run, same, system } from "./program.mjs";

const WARM_UP = 256;
/** Its pool of connections: 50 were a sixth slower, 10 no faster. */
const CONNECTIONS = 20;

await run({
  async workflows({ n, inFlight: lanes, database }) {
    DBOS.setConfig({ name: "bench", systemDatabaseUrl: database, systemDatabasePoolSize: CONNECTIONS, logLevel: "error" });
    const plusOne = async (x) => x + 1;
    const three = DBOS.registerWorkflow(async (x) => {
      const a = await DBOS.runStep(() => plusOne(x), { name: "first" });
      const b = await DBOS.runStep(() => plusOne(a), { name: "second" });
      return DBOS.runStep(() => plusOne(b), { name: "third" });
    }, { name: "three" });
    await DBOS.launch();
    const once = async (i) => same(await three(i), i + 3);
    await inFlight(lanes, WARM_UP, once);
    const started = begin("workflows");
    const latencies = await inFlight(lanes, n, once);
    await measured(system("@dbos-inc/dbos-sdk"), "workflows", n, performance.now() - started, latencies);
    await DBOS.shutdown();
  },
});
