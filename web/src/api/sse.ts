/**
 * Reads server-sent events from the pieces of a response, which may be cut anywhere: in the middle of a
 * line, between \r and \n, or (before decoding) inside a character. Comments and fields other than
 * `data` are passed over. An event that the end of the stream cuts off is not an event.
 */
export class SseParser {
  private rest = "";
  private data: string[] = [];

  /** Takes the next piece of text; returns the data of every event that it completes. */
  push(text: string): string[] {
    const events: string[] = [];
    this.rest += text;
    for (;;) {
      const end = this.rest.search(/[\r\n]/);
      if (end < 0) break;
      // A \r at the very end may be half of \r\n: wait for what follows.
      if (this.rest[end] === "\r" && end + 1 === this.rest.length) break;
      const width = this.rest.startsWith("\r\n", end) ? 2 : 1;
      const line = this.rest.slice(0, end);
      this.rest = this.rest.slice(end + width);
      this.line(line, events);
    }
    return events;
  }

  private line(line: string, events: string[]): void {
    if (line === "") {
      if (this.data.length > 0) events.push(this.data.join("\n"));
      this.data = [];
      return;
    }
    if (line.startsWith("data:")) this.data.push(line.slice(line[5] === " " ? 6 : 5));
  }
}

/** The data of the events in a body, as they arrive. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const parser = new SseParser();
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    // Also when the consumer leaves early: the server learns of it and stops working.
    reader.cancel().catch(() => undefined);
  }
}
