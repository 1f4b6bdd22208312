// The event stream is read the same however the network cuts it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { EventParser, readEvents, type ServerEvent } from "../../src/api/sse";

const TEXT = 'id: 1\nevent: run\ndata: {"run_id":"r"}\n\n: keep-alive\r\n\r\nid: 2\r\nevent: step\r\ndata: {"a":\r\ndata: 1}\r\n\r\ndata: bare\n\n';
const EVENTS: ServerEvent[] = [
  { id: "1", event: "run", data: '{"run_id":"r"}' },
  { id: "2", event: "step", data: '{"a":\n1}' },
  { id: "2", event: "message", data: "bare" },
];

test("every way of cutting the text in two gives the same events", () => {
  for (let cut = 0; cut <= TEXT.length; cut += 1) {
    const parser = new EventParser();
    assert.deepEqual([...parser.push(TEXT.slice(0, cut)), ...parser.push(TEXT.slice(cut))], EVENTS, `cut at ${cut}`);
  }
});

test("one character at a time gives the same events", () => {
  const parser = new EventParser();
  assert.deepEqual([...TEXT].flatMap((character) => parser.push(character)), EVENTS);
});

test("an event without its empty line is not an event yet", () => {
  assert.deepEqual(new EventParser().push("data: half\n"), []);
});

test("characters cut between two pieces of bytes stay whole", async () => {
  const bytes = new TextEncoder().encode("data: naïve – 東京\n\n");
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  const seen: string[] = [];
  for await (const event of readEvents(body)) seen.push(event.data);
  assert.deepEqual(seen, ["naïve – 東京"]);
});
