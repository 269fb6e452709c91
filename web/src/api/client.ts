// Asks the API. Addresses are relative to the page, so that it works below any path of a proxy.
import { problemOf, unreachable } from "./problem";
import { isLocked, setToken, token } from "./session";

const PATIENCE_MS = 30_000;

export type Params = Record<string, string | number | boolean | null | undefined | readonly string[]>;

/** The query of a URL, without what is not said; lists are given several times. */
export function query(params: Params): string {
  const all = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value === null || value === undefined || value === "") continue;
    if (Array.isArray(value)) for (const one of value) all.append(name, one);
    else all.append(name, String(value));
  }
  const text = all.toString();
  return text === "" ? "" : `?${text}`;
}

export function headers(more: Record<string, string> = {}): Headers {
  const all = new Headers(more);
  if (token.value !== null) all.set("Authorization", `Bearer ${token.value}`);
  return all;
}

/** Notes that a token is wanted, when the service says so. */
export function noteLocked(status: number): void {
  if (status !== 401) return;
  setToken(null);
  isLocked.value = true;
}

async function ask<T>(path: string, init: RequestInit, signal?: AbortSignal): Promise<T> {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  let answer: Response;
  let body: string;
  try {
    const signals = signal === undefined ? [patience] : [patience, signal];
    answer = await fetch(`v1/${path}`, { ...init, signal: anyOf(signals), cache: "no-store" });
    body = await answer.text();
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw unreachable();
  }
  if (!answer.ok) {
    noteLocked(answer.status);
    throw problemOf(answer.status, body);
  }
  return JSON.parse(body) as T;
}

/** `AbortSignal.any`, which not all browsers have that can do the rest. */
function anyOf(signals: AbortSignal[]): AbortSignal {
  const both = new AbortController();
  for (const signal of signals) {
    if (signal.aborted) both.abort(signal.reason);
    signal.addEventListener("abort", () => both.abort(signal.reason), { once: true });
  }
  return both.signal;
}

export function get<T>(path: string, params: Params = {}, signal?: AbortSignal): Promise<T> {
  return ask<T>(path + query(params), { headers: headers({ Accept: "application/json" }) }, signal);
}

export function post<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  const init = { method: "POST", headers: headers({ "Content-Type": "application/json" }), body: JSON.stringify(body) };
  return ask<T>(path, init, signal);
}

/** A part of a path. */
export const part = encodeURIComponent;
