// What goes wrong with a request, as something that can be told to people.

export class Problem extends Error {
  readonly status: number;
  /** The last part of the problem's type, such as `no-such-rule`; `unreachable` if there was no answer at all. */
  readonly kind: string;

  constructor(status: number, kind: string, detail: string) {
    super(detail);
    this.status = status;
    this.kind = kind;
  }

  get isUnreachable(): boolean {
    return this.status === 0;
  }
}

const TYPES = "urn:tripline:problem:";

/** Of an answer that is no success: its problem details, or what can be said without any. */
export function problemOf(status: number, body: string): Problem {
  try {
    const sent: unknown = JSON.parse(body);
    if (typeof sent === "object" && sent !== null && "detail" in sent) {
      const { type, detail } = sent as { type?: unknown; detail: unknown };
      const kind = typeof type === "string" ? type.replace(TYPES, "") : "unknown";
      return new Problem(status, kind, String(detail));
    }
  } catch {
    // It is said below.
  }
  return new Problem(status, "unknown", `The service answered with ${status} and no reason that can be read.`);
}

/** There was no answer. */
export function unreachable(): Problem {
  return new Problem(0, "unreachable", "The service does not answer. It is asked again by itself.");
}

export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem(-1, "page", error instanceof Error ? error.message : String(error));
}
