// The Restate service whose handler is a workflow of three steps. It listens on loopback only, tells its address to the
// process that forked it, and ends with that.
import { createServer } from "node:http2";
import { createEndpointHandler, service } from "@restatedev/restate-sdk";

const bench = service({
  name: "bench",
  handlers: {
    three: async (context, x) => {
      const a = await context.run("first", () => x + 1);
      const b = await context.run("second", () => a + 1);
      return context.run("third", () => b + 1);
    },
  },
});

process.on("disconnect", () => process.exit(0));
const server = createServer(createEndpointHandler({ services: [bench] }));
server.listen(0, "127.0.0.1", () => process.send(`http://127.0.0.1:${server.address().port}`));
