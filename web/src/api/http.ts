import { apiKey, askForKey } from "../state/auth";
import { reportUnreachable } from "../state/connection";
import type { WireError } from "./types";

/** A request that failed, in words for the reader. */
export class ApiError extends Error {
  constructor(
    message: string,
    /** The HTTP status; 0 where no answer came, or where the error came inside a stream. */
    readonly status = 0,
    readonly details: { type?: string; param?: string | null; retryAfterSeconds?: number } = {},
  ) {
    super(message);
    this.name = "ApiError";
  }
}

export function fromWire(error: WireError, status = 0): ApiError {
  return new ApiError(error.message, status, { type: error.type, param: error.param });
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** Sends a request; throws ApiError for whatever is not a 2xx answer, AbortError when it was aborted. */
export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (apiKey.value) headers.set("Authorization", `Bearer ${apiKey.value}`);
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers, cache: "no-store" });
  } catch (error) {
    if (isAbort(error)) throw error;
    reportUnreachable();
    throw new ApiError("The server could not be reached. It may have stopped, or be starting.");
  }
  if (response.ok) return response;
  if (response.status === 401) askForKey();
  throw await errorOf(response);
}

export async function requestJson<T>(path: string, init?: RequestInit): Promise<T> {
  const response = await request(path, init);
  try {
    return (await response.json()) as T;
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError(`The server's answer to ${path} was cut off, or is not JSON.`, response.status);
  }
}

export function post(body: unknown, signal?: AbortSignal): RequestInit {
  return { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal };
}

async function errorOf(response: Response): Promise<ApiError> {
  const retryAfter = Number(response.headers.get("Retry-After"));
  const details = Number.isFinite(retryAfter) && retryAfter > 0 ? { retryAfterSeconds: retryAfter } : {};
  const fallback = `The server answered ${response.status} ${response.statusText}`.trim() + ".";
  try {
    const { error } = (await response.json()) as { error?: WireError };
    if (error?.message) {
      return new ApiError(error.message, response.status, { ...details, type: error.type, param: error.param });
    }
  } catch {
    // Not JSON: an intermediary's page, which says no more than the status does.
  }
  return new ApiError(fallback, response.status, details);
}
