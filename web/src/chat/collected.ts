import type { ChatChunk, Timings, Usage } from "../api/types";
import type { Message, Metrics } from "./types";

/** What has come of an answer, with the page's own clock beside the server's figures. */
export class Collected {
  content = "";
  reasoning = "";
  finishReason: string | undefined;
  private usage: Usage | undefined;
  private timings: Timings | undefined;
  private pieces = 0;
  private first = 0;
  private last = 0;

  constructor(private readonly clock: () => number = () => performance.now(), private readonly begin = clock()) {}

  take(chunk: ChatChunk): void {
    const choice = chunk.choices?.[0];
    const { content, reasoning_content: reasoning } = choice?.delta ?? {};
    if (content || reasoning) {
      this.content += content ?? "";
      this.reasoning += reasoning ?? "";
      this.pieces += 1;
      this.last = this.clock();
      if (this.pieces === 1) this.first = this.last;
    }
    if (choice?.finish_reason) this.finishReason = choice.finish_reason;
    if (chunk.usage) this.usage = chunk.usage;
    if (chunk.timings) this.timings = chunk.timings;
  }

  parts(): Partial<Message> {
    return { content: this.content, ...(this.reasoning ? { reasoning: this.reasoning } : {}) };
  }

  /** Undefined where nothing came. Without the server's figures a piece counts as a token. */
  metrics(contextLength: number | undefined): Metrics | undefined {
    if (this.pieces === 0 && !this.usage) return undefined;
    const seconds = (this.last - this.first) / 1000;
    const own = this.pieces > 1 && seconds > 0 ? (this.pieces - 1) / seconds : undefined;
    return {
      promptTokens: this.usage?.prompt_tokens,
      cachedTokens: this.usage?.prompt_tokens_details?.cached_tokens,
      completionTokens: this.usage?.completion_tokens ?? this.pieces,
      timeToFirstToken_ms: this.timings?.time_to_first_token_ms ?? (this.pieces > 0 ? this.first - this.begin : undefined),
      tokensPerSecond: this.timings?.tokens_per_second ?? own,
      contextLength,
      fromServer: this.usage !== undefined && this.timings !== undefined,
    };
  }
}
