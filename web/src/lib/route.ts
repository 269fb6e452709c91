// Where in the page somebody is: the part of the address behind `#`, which the service and those between do not see, so
// that keys do not end in their logs, and which works below any path of a proxy.

export interface Place {
  /** The parts of the path, decoded. */
  path: string[];
  params: URLSearchParams;
}

export function parsePlace(hash: string): Place {
  const text = hash.replace(/^#?\/?/, "");
  const mark = text.indexOf("?");
  const path = mark < 0 ? text : text.slice(0, mark);
  const params = new URLSearchParams(mark < 0 ? "" : text.slice(mark + 1));
  return { path: path.split("/").filter((part) => part !== "").map(decode), params };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address of a place; what is empty is left out. */
export function href(path: readonly string[], params: Record<string, string | readonly string[] | undefined> = {}): string {
  const all = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value === undefined || value === "") continue;
    for (const one of typeof value === "string" ? [value] : value) all.append(name, one);
  }
  // These may stand in a fragment as they are, and a key is read better so.
  const text = all.toString().replaceAll("%3D", "=").replaceAll("%3A", ":");
  const parts = path.map((part) => encodeURIComponent(part).replaceAll("%3D", "=").replaceAll("%3A", ":"));
  return `#/${parts.join("/")}${text === "" ? "" : `?${text}`}`;
}
