// Reads server-sent events from a fetch body. EventSource cannot send a POST or a CSRF header, so the page parses the
// stream itself. Pure apart from reading the stream; tested by tests/unit.

export type ServerEvent = { id: string | null; event: string; data: string };

/** Feeds text in whatever pieces the network cut it; gives back the events that are complete. */
export class EventParser {
  private buffer = "";
  private id: string | null = null;
  private event = "";
  private data: string[] = [];

  push(text: string): ServerEvent[] {
    this.buffer += text;
    const complete: ServerEvent[] = [];
    for (;;) {
      const end = this.buffer.search(/\r\n|\n|\r/);
      if (end < 0) break;
      // A lone CR at the very end may be the first half of CRLF; wait for the next piece.
      if (this.buffer[end] === "\r" && end === this.buffer.length - 1) break;
      const line = this.buffer.slice(0, end);
      this.buffer = this.buffer.slice(end + (this.buffer.startsWith("\r\n", end) ? 2 : 1));
      const event = this.line(line);
      if (event) complete.push(event);
    }
    return complete;
  }

  private line(line: string): ServerEvent | null {
    if (line === "") return this.dispatch();
    if (line.startsWith(":")) return null;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "id") this.id = value;
    else if (field === "event") this.event = value;
    else if (field === "data") this.data.push(value);
    return null;
  }

  private dispatch(): ServerEvent | null {
    const { data, event, id } = this;
    this.data = [];
    this.event = "";
    return data.length === 0 ? null : { id, event: event || "message", data: data.join("\n") };
  }
}

export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const parser = new EventParser();
  const reader = body.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
