import { ApiError, fromWire, isAbort, post, request } from "./http";
import { readEvents } from "./sse";
import type { ChatChunk } from "./types";

/** The chunks of an answer as they arrive. Ends normally only after [DONE]: anything else is an error. */
export async function* streamChat(body: object, signal: AbortSignal): AsyncGenerator<ChatChunk> {
  const whole = { ...body, stream: true, stream_options: { include_usage: true } };
  const response = await request("/v1/chat/completions", post(whole, signal));
  if (!response.body) throw new ApiError("The server sent no body.");
  try {
    for await (const data of readEvents(response.body)) {
      if (data === "[DONE]") return;
      const chunk = parse(data);
      if (chunk.error) throw fromWire(chunk.error);
      yield chunk;
    }
  } catch (error) {
    if (isAbort(error) || error instanceof ApiError) throw error;
    throw new ApiError("The connection to the server was lost while the answer was coming.");
  }
  throw new ApiError("The server ended the answer before it was complete.");
}

function parse(data: string): ChatChunk {
  try {
    return JSON.parse(data) as ChatChunk;
  } catch {
    throw new ApiError(`The server sent something that is not JSON: ${data.slice(0, 80)}`);
  }
}
