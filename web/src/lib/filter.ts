// The filter of the list of alerts: as it stands in the address, as the API wants it, and held against an alert.
import type { Params } from "../api/client";
import { SEVERITIES, STATUSES, type AlertSummary, type Severity, type Status } from "../api/types";
import { plain } from "./format";
import { parseSpan } from "./time";

export interface Filter {
  text: string;
  rules: string[];
  severities: Severity[];
  keys: string[];
  status: Status | "";
  /** `1h`, `24h`, or a time; from the beginning if empty. */
  since: string;
  until: string;
}

export const NO_FILTER: Filter = { text: "", rules: [], severities: [], keys: [], status: "", since: "", until: "" };

/** Reads it from an address; what makes no sense is passed over. */
export function filterOf(params: URLSearchParams): Filter {
  const status = params.get("status") as Status;
  const severities = params.getAll("severity").filter((one): one is Severity => SEVERITIES.includes(one as Severity));
  return {
    text: params.get("text") ?? "",
    rules: params.getAll("rule"),
    severities: SEVERITIES.filter((one) => severities.includes(one)),
    keys: params.getAll("key"),
    status: STATUSES.includes(status) ? status : "",
    since: params.get("since") ?? "",
    until: params.get("until") ?? "",
  };
}

/** What stands in an address for it. */
export function filterParams(filter: Filter): Record<string, string | string[]> {
  const { text, rules, severities, keys, status, since, until } = filter;
  return { text, rule: rules, severity: severities, key: keys, status, since, until };
}

/** What the API is asked for; spans count back from now. */
export function filterQuery(filter: Filter, now: number): Params {
  const { text, rules, severities, keys, status } = filter;
  const query: Params = { text, rule: rules, severity: severities, key: keys, status };
  query.since = timeOf(filter.since, now);
  query.until = timeOf(filter.until, now);
  return query;
}

function timeOf(text: string, now: number): string {
  if (text === "") return "";
  const seconds = parseSpan(text);
  if (seconds !== null) return new Date(now - seconds * 1000).toISOString();
  const time = Date.parse(text);
  return Number.isNaN(time) ? "" : new Date(time).toISOString();
}

export function isEmpty(filter: Filter): boolean {
  return Object.values(filter).every((value) => value.length === 0);
}

/** Whether an alert that comes live fits; of times only an end can leave it out. */
export function fits(filter: Filter, alert: AlertSummary): boolean {
  const text = filter.text.toLowerCase();
  const written = `${alert.title} ${alert.rule} ${Object.values(alert.key).map(plain).join(" ")}`.toLowerCase();
  return (
    (text === "" || written.includes(text)) &&
    (filter.rules.length === 0 || filter.rules.includes(alert.rule)) &&
    (filter.severities.length === 0 || filter.severities.includes(alert.severity)) &&
    filter.keys.every((key) => hasKey(alert, key)) &&
    (filter.status === "" || filter.status === alert.status) &&
    filter.until === ""
  );
}

/** Whether an alert has a key, given as `card=c1` or as `c1`. */
export function hasKey(alert: Pick<AlertSummary, "key">, key: string): boolean {
  return Object.entries(alert.key).some(([name, value]) => key === plain(value) || key === `${name}=${plain(value)}`);
}
