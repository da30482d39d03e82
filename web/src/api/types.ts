/** What the server sends, as far as the page reads it. */

export interface ModelMeta {
  loaded?: boolean;
  architecture?: string;
  parameters?: number;
  stored_bytes?: number;
  dtype?: string;
  quantization?: string;
  context_length?: number;
  has_chat_template?: boolean;
  thinking?: boolean;
}

export interface Model {
  id: string;
  meta?: ModelMeta;
}

export interface Usage {
  prompt_tokens: number;
  completion_tokens?: number;
  total_tokens?: number;
  prompt_tokens_details?: { cached_tokens?: number };
}

export interface Timings {
  queue_ms?: number;
  time_to_first_token_ms?: number;
  prompt_ms?: number;
  generation_ms?: number;
  prompt_tokens_per_second?: number;
  tokens_per_second?: number;
}

export interface WireError {
  message: string;
  type?: string;
  param?: string | null;
  code?: string | null;
}

export interface ChatChunk {
  choices?: {
    index: number;
    delta?: { role?: string; content?: string | null; reasoning_content?: string | null };
    finish_reason?: string | null;
  }[];
  usage?: Usage | null;
  timings?: Timings;
  error?: WireError;
}

export interface Classification {
  index: number;
  label: string | null;
  label_index: number;
  logprobs?: number[];
  probabilities?: number[];
  text?: string;
  error?: WireError;
}

export interface ClassifyAnswer {
  labels: string[];
  data: Classification[];
  usage?: Usage;
}

export interface Percentiles {
  p50: number | null;
  p95: number | null;
  p99: number | null;
}

export interface Stats {
  version?: string;
  uptime_seconds: number;
  requests: { running: number; queued: number; completed: number; failed: number; cancelled: number };
  tokens: { prompt: number; cached_prompt: number; generated: number };
  rates: {
    window_seconds: number;
    prompt_tokens_per_second: number;
    generated_tokens_per_second: number;
    requests_per_second: number;
  };
  latency_ms: {
    window_requests: number;
    queue: Percentiles;
    time_to_first_token: Percentiles;
    inter_token: Percentiles;
    end_to_end: Percentiles;
  };
  memory: {
    resident_bytes: number;
    ceiling_bytes: number | null;
    reserved_bytes: number;
    active_bytes: number;
    cached_bytes: number;
  };
  models: {
    id: string;
    loaded: boolean;
    in_use: boolean;
    active_bytes: number;
    cached_bytes: number;
    peak_bytes: number;
    limit_bytes: number | null;
    context_length: number;
  }[];
  connections: number;
}
