// The made-up service as an API: paths, parameters, problems.
import { diagnosticsOf, tokensOf } from "./language.mjs";

const CONFIG = `# Fraud, security and operations.
rules = "rules"

[state]
path = "/var/lib/tripline"
memory = "2GB"

[api]
listen = "127.0.0.1:7070"
tokens = "tokens.toml"

[sources.cards]
type = "kafka"
stream = "card_auths"
brokers = ["kafka.example.com:9093"]
topic = "card-auths"
password = "***"

[sinks.fraud_desk]
type = "slack"
url = "***"

[sinks.security_desk]
type = "webhook"
url = "https://desk.example.com/hooks/tripline"
secret = "***"
`;

const RANK = { read: 0, operate: 1, admin: 2 };

export class Refusal extends Error {
  constructor(status, kind, detail) {
    super(detail);
    Object.assign(this, { status, kind });
  }
}

const missing = (what, name) => new Refusal(404, `no-such-${what}`, `there is no ${what} \`${name}\``);

/** The answer to a request, or a thrown refusal. */
export function answer(service, method, path, params, body, now = Date.now()) {
  const parts = path.split("/").filter(Boolean).map(decodeURIComponent);
  const route = `${method} ${parts.slice(1).map((part, index) => (index === 1 && isId(parts) ? "*" : part)).join("/")}`;
  const handler = ROUTES[route];
  if (handler === undefined) throw new Refusal(404, "no-such-path", "there is nothing here");
  const [role, act] = handler;
  if (RANK[service.role] < RANK[role]) throw new Refusal(403, "not-allowed", `this needs the role ${role}, and you have ${service.role}`);
  return act({ service, params, body, id: parts[2], now });
}

const isId = (parts) =>
  (parts[1] === "alerts" && !["counts", "stream"].includes(parts[2])) ||
  (parts[1] === "rules" && parts[2] !== "validate") ||
  parts[1] === "silences";

const limitOf = (params, standard) => Math.min(Number(params.get("limit") ?? standard), 1_000);

const ROUTES = {
  "GET me": ["read", ({ service }) => ({ name: "ana", role: service.role })],
  "GET overview": ["read", ({ service, now }) => service.overview(now)],
  "GET alerts": ["read", listAlerts],
  "GET alerts/counts": ["read", ({ service, params, now }) => {
    const until = Date.parse(params.get("until") ?? "") || now;
    const since = Date.parse(params.get("since") ?? "") || until - 3_600_000;
    return service.counts(since, until, Number(params.get("step") ?? 60));
  }],
  "GET alerts/*": ["read", ({ service, id }) => service.whole(alertOf(service, id))],
  "POST alerts/*/ack": ["operate", (request) => say(request, "acknowledged")],
  "POST alerts/*/resolve": ["operate", (request) => say(request, "resolved")],
  "GET rules": ["read", ({ service }) => ({ rules: service.rules.map((rule) => service.rule(rule)) })],
  "GET rules/*": ["read", ({ service, id }) => service.ruleDetail(ruleOf(service, id))],
  "GET rules/*/runs": ["read", ({ service, id, now }) => service.runs(ruleOf(service, id), now)],
  "POST rules/*/mode": ["admin", ({ service, id, body }) => {
    const { mode, by, comment } = body;
    Object.assign(ruleOf(service, id), { mode, wanted: mode === "live" ? null : { mode, by, comment, since: new Date().toISOString() } });
    return service.rule(ruleOf(service, id));
  }],
  "POST rules/validate": ["read", ({ service, body }) => {
    const diagnostics = diagnosticsOf(body.text, [...service.streams.map((stream) => stream.name), "attacks"]);
    const valid = !diagnostics.some((one) => one.severity === "error");
    return { valid, diagnostics, tokens: tokensOf(body.text), rules: [...body.text.matchAll(/^rule (\w+)/gm)].map((match) => match[1]) };
  }],
  "GET streams": ["read", ({ service }) => ({ streams: service.streams })],
  "POST playground": ["read", ({ service, body }) => service.play(body)],
  "GET state": ["read", ({ service, params, now }) => service.state({ rule: params.get("rule"), keys: params.getAll("key"), limit: limitOf(params, 100), now })],
  "GET silences": ["read", ({ service }) => ({ silences: service.silences })],
  "POST silences": ["operate", ({ service, body, now }) => {
    if (Object.keys(body.match).length === 0) throw new Refusal(400, "refused", "a silence has to say which alerts it is about: a rule, a severity, a tag, a kind or a field");
    const made = { id: service.chance.hex(8), starts: new Date(now).toISOString(), created: new Date(now).toISOString(), ...body };
    service.silences.push(made);
    return made;
  }],
  "POST silences/*/end": ["operate", ({ service, id, body, now }) => {
    const silence = service.silences.find((one) => one.id === id);
    if (silence === undefined) throw missing("silence", id);
    Object.assign(silence, { ends: new Date(now).toISOString(), ended_by: body.by });
    return silence;
  }],
  "GET outbox": ["read", ({ service }) => ({
    sinks: service.sinks().filter((sink) => sink.waiting + sink.dead > 0 || sink.disabled).map((sink) => ({ sink: sink.name, waiting: sink.waiting, bytes: sink.waiting * 2_310, dead: sink.dead, ...(sink.disabled && { disabled: sink.disabled }) })),
    waiting: service.waiting, dead: service.dead,
  })],
  "POST outbox/retry": ["operate", (request) => move(request, "dead", true)],
  "POST outbox/drop": ["admin", (request) => move(request, "dead", false)],
  "POST outbox/waiting/retry": ["operate", ({ service }) => ({ count: service.waiting.length })],
  "POST outbox/waiting/drop": ["admin", (request) => move(request, "waiting", false)],
  "GET sinks": ["read", ({ service }) => ({ sinks: service.sinks() })],
  "POST sinks/enable": ["operate", ({ service, body }) => ({ count: Number(service.disabled.delete(body.sink)) })],
  "GET savepoints": ["read", ({ service }) => ({ savepoints: service.savepoints })],
  "POST savepoints": ["operate", ({ service, body, now }) => {
    const made = { name: body.name ?? new Date(now).toISOString(), bytes: 52_000_000, time: new Date(now).toISOString() };
    service.savepoints.push(made);
    return made;
  }],
  "GET config": ["read", () => ({ file: "tripline.toml", text: CONFIG })],
  "POST reload": ["admin", () => ({ added: [], changed: ["card_testing"], removed: [], modes: [] })],
  "GET quarantine": ["read", ({ service, params }) => {
    const from = Number(params.get("cursor") ?? 0);
    const all = service.quarantine.filter((one) => ["source", "stream", "reason"].every((name) => !params.get(name) || params.get(name) === one[name]));
    const limit = limitOf(params, 50);
    return { records: all.slice(from, from + limit), next: from + limit < all.length ? from + limit : null, bytes: 25_600, max_bytes: 1_073_741_824 };
  }],
};

function alertOf(service, id) {
  const found = service.alerts.find((one) => one.alert.id.startsWith(id));
  if (found === undefined) throw missing("alert", id);
  return found;
}

function ruleOf(service, name) {
  const found = service.rules.find((one) => one.name === name);
  if (found === undefined) throw missing("rule", name);
  return found;
}

export function fits(service, params, one) {
  const { alert, time } = one;
  const any = (name, value) => params.getAll(name).length === 0 || params.getAll(name).includes(value);
  const text = (params.get("text") ?? "").toLowerCase();
  const written = `${alert.title} ${alert.rule} ${Object.values(alert.key).join(" ")}`.toLowerCase();
  return any("rule", alert.rule) && any("status", one.status) && any("severity", alert.severity) && written.includes(text) &&
    params.getAll("key").every((key) => Object.entries(alert.key).some(([name, value]) => key === value || key === `${name}=${value}`)) &&
    (!params.get("since") || time >= params.get("since")) && (!params.get("until") || time < params.get("until"));
}

function listAlerts({ service, params }) {
  const before = Number(params.get("cursor") ?? Infinity);
  const found = service.alerts.filter((one) => one.number < before && fits(service, params, one)).reverse();
  const page = found.slice(0, limitOf(params, 100));
  return { alerts: page.map((one) => service.summary(one)), next: found.length > page.length ? page.at(-1).number : null, searched_to: null };
}

function say({ service, id, body, now }, status) {
  if (!body.by) throw new Refusal(400, "bad-request", "`by` says who you are");
  const found = alertOf(service, id);
  Object.assign(found, { status, status_by: body.by });
  const remark = body.comment ? ` (${body.comment})` : "";
  found.decisions.push({ at: new Date(now).toISOString(), decision: status, by: body.by, text: status === "resolved" ? `resolved: ${body.by} says so${remark}` : `acknowledged by ${body.by}${remark}` });
  service.tell({ event: "changed", data: { id: found.alert.id, status, status_by: body.by } });
  return { id: found.alert.id };
}

function move({ service, body }, list, isSent) {
  const wanted = (one) => (!body.sink || one.sink === body.sink) && (!body.ids || body.ids.includes(one.id));
  const moved = service[list].filter(wanted);
  service[list] = service[list].filter((one) => !wanted(one));
  if (isSent) service.waiting.push(...moved.map((one) => ({ ...one, tries: 0, error: "" })));
  return { count: moved.length };
}
