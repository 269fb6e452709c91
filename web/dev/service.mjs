// A made-up service: what it knows, and how that changes. Speaks no HTTP.
import { readFileSync } from "node:fs";
import { chanceOf } from "./random.mjs";
import { diagnosticsOf, readRules, readStreams, tokensOf } from "./language.mjs";
import { GRAPHS, STORIES } from "./stories.mjs";

/** As `tripline explain --format markdown` writes them. */
const WORDS = JSON.parse(readFileSync(new URL("words.json", import.meta.url), "utf8"));

const iso = (ms) => new Date(ms).toISOString();
const H = 3_600_000;
const SEVERITIES = ["info", "low", "medium", "high", "critical"];
const SINKS_OF = { fraud: ["fraud_desk", "audit"], operations: ["operations"], security: ["security_desk", "audit"] };

export class Service {
  constructor({ seed = 7, now = Date.now(), role = "admin", past = 900 } = {}) {
    this.chance = chanceOf(seed);
    this.started = now - 31 * H;
    this.role = role;
    this.listeners = new Set();
    this.alerts = [];
    this.events = 41_387_209;
    this.rules = readRules().map((rule) => ({ ...rule, mode: rule.name === "siege" ? "shadow" : "live", fingerprint: this.chance.hex(32) }));
    this.streams = readStreams();
    this.nodes = Object.fromEntries(this.rules.map(({ name }) => [name, this.runsOf(name)]));
    this.fillPast(now, past);
    this.makeSilences(now);
    this.makeOutbox(now);
    this.makeQuarantine(now);
    this.samples = Array.from({ length: 360 }, (_, index) => this.sample(now - (360 - index) * 10_000));
    this.savepoints = [
      { name: "before-upgrade", bytes: 48_211_968, time: iso(now - 30 * H) },
      { name: "2026-11-21T06-00-00Z", bytes: 51_904_512, time: iso(now - 9 * H) },
    ];
  }

  runsOf(name) {
    const { nodes } = GRAPHS[name];
    const scale = { sensor_silent: 9_200, order_not_shipped: 1_800, impossible_travel: 5_400, scalping: 420 }[name] ?? 90;
    return nodes.map((node, index) => (index === 0 || node.accepting ? 0 : Math.round((scale * this.chance.between(0.5, 1)) / 4 ** (index - 1))));
  }

  fillPast(now, count) {
    const times = Array.from({ length: count }, () => {
      const ago = this.chance.next() ** 1.6 * 7 * 24 * H;
      // An attack of an hour this morning.
      return this.chance.next() < 0.12 ? now - 5 * H - this.chance.next() * 0.8 * H : now - ago;
    });
    for (const time of times.sort((one, other) => one - other)) this.alerts.push(this.makeAlert(time));
  }

  makeAlert(time, name) {
    const weights = Object.entries(STORIES).flatMap(([story, { weight }]) => Array(weight).fill(story));
    const wanted = name ?? this.chance.pick(weights);
    const rule = this.rules.find((one) => one.name === wanted);
    const { make, within, steps } = STORIES[rule.name];
    const story = make(this.chance, time - this.chance.between(2, 9) * 1000);
    const id = this.chance.hex(32);
    const [first, last] = [story.events[0][2], story.events.at(-1)[2]];
    const events = {};
    for (const [variable, , , record] of story.events) (events[variable] ??= []).push(record);
    const sinks = SINKS_OF[rule.file.split("/")[0]];
    const lead = (ms) => iso(time + ms);
    const decisions = [{ at: lead(20), decision: "sent", route: rule.tags[0], sinks, text: `sent to ${sinks.join(", ")} (route \`${rule.tags[0]}\`)` }];
    const chance = this.chance.next();
    let [status, by] = ["open", null];
    if (this.chance.next() < 0.06) {
      status = "held";
      decisions[0] = { at: lead(20), decision: "silenced", silence: "5f1c92aa", until: lead(4 * H), comment: "load test", text: `held: silenced by 5f1c92aa until ${lead(4 * H)} (load test)` };
    } else if (Date.now() - time > 3 * H && chance < 0.75) {
      by = this.chance.pick(["ana", "bo", "chris"]);
      status = chance < 0.5 ? "resolved" : "acknowledged";
      decisions.push({ at: lead(this.chance.between(2, 40) * 60_000), decision: "acknowledged", by, text: `acknowledged by ${by} (${this.chance.pick(["looking into it", "customer was called", "known device"])})` });
      if (status === "resolved") decisions.push({ at: lead(this.chance.between(60, 160) * 60_000), decision: "resolved", text: `resolved: ${by} says so` });
    }
    const isFailing = sinks.includes("security_desk") && time > Date.now() - 20 * 60_000;
    return {
      number: this.alerts.length + 1, time: iso(time), status, status_by: by, file: rule.file,
      alert: {
        id, rule: rule.name, fingerprint: rule.fingerprint, severity: story.severity, title: story.title, kind: story.kind ?? "match", about: rule.about,
        tags: rule.tags, runbook: rule.runbook, key: story.key, first_time: iso(first), last_time: iso(last), decided_time: iso(story.decided ?? last),
        suppressed: 0, fields: story.fields, events, tables: {},
      },
      captured: story.events.map(([variable, stream, at, record]) => ({ variable, stream, time: iso(at), record })),
      steps, within_seconds: within, rule_is_current: true, decisions,
      deliveries: status === "held" ? [] : sinks.flatMap((sink) => {
        const failed = { notification: id, sink, at: lead(180), outcome: "failed", error: "the receiver answered 503 Service Unavailable" };
        if (isFailing && sink === "security_desk") return [failed, { ...failed, at: lead(4_180) }, { ...failed, at: lead(20_180) }];
        return [{ notification: id, sink, at: lead(180), outcome: "accepted" }];
      }),
    };
  }

  summary({ number, time, status, status_by, alert, captured, decisions }) {
    const { id, rule, severity, kind, title, about, key, first_time, last_time, decided_time, suppressed } = alert;
    return { number, id, rule, severity, kind, title, about, key, first_time, last_time, decided_time, time, suppressed, events: captured.length, status, status_by, decisions };
  }

  /** All of an alert, as it is answered. */
  whole(one) {
    const { alert, captured, steps, within_seconds, rule_is_current, deliveries } = one;
    return { summary: this.summary(one), alert, captured, steps, within_seconds, rule_is_current, deliveries };
  }

  /** A moment passes: counts change, and sometimes an alert comes. */
  tick(now = Date.now()) {
    for (const nodes of Object.values(this.nodes)) {
      nodes.forEach((count, index) => {
        if (count > 0) nodes[index] = Math.max(0, Math.round(count + this.chance.between(-1, 1) * Math.max(1, count * 0.02)));
      });
    }
    this.events += Math.round(this.chance.between(1_800, 2_600));
    if (now - Date.parse(this.samples.at(-1).time) >= 10_000) {
      this.samples = [...this.samples.slice(1), this.sample(now)];
    }
  }

  /** An alert comes, of a key that had none. */
  raise(name, now = Date.now()) {
    const values = (one) => Object.values(one.alert.key).join();
    const known = new Set(this.alerts.map(values));
    let made = this.makeAlert(now, name);
    while (known.has(values(made))) made = this.makeAlert(now, name);
    this.alerts.push(made);
    this.tell({ event: "alert", id: made.number, data: this.summary(made) });
    return made;
  }

  tell(message) {
    for (const listener of this.listeners) listener(message);
  }

  sample(time) {
    const wave = Math.sin(time / 900_000) * 240 + Math.sin(time / 130_000) * 90;
    return {
      time: iso(time), events_per_second: Math.round(1_900 + wave + this.chance.between(-60, 60)),
      alerts_per_second: this.chance.between(0, 0.05), lag_seconds: Math.max(0, Math.round(4 + wave / 120 + this.chance.between(-1, 1))),
      partial_matches: Math.round(17_400 + wave * 3 + this.chance.between(-50, 50)),
    };
  }

  makeSilences(now) {
    this.silences = [
      { id: "5f1c92aa", match: { rules: ["order_*"], fields: { warehouse: ["harbour"] } }, starts: iso(now - 2 * H), ends: iso(now + 4 * H), author: "ana", comment: "Load test of the harbour warehouse", created: iso(now - 2 * H) },
      { id: "91d03be7", match: { fields: { sensor: ["s25074"] } }, starts: iso(now + 10 * H), ends: iso(now + 16 * H), author: "bo", comment: "Sensor is replaced tonight", created: iso(now - H) },
      { id: "0c77aa12", match: { severity: "<= low", tags: ["logins"] }, starts: iso(now - 50 * H), ends: iso(now - 26 * H), author: "chris", comment: "Penetration test", created: iso(now - 50 * H), ended_by: "chris" },
    ];
  }

  makeOutbox(now) {
    const recent = this.alerts.filter((one) => one.file.startsWith("security")).slice(-7);
    const view = (one, more) => ({ id: one.alert.id, sink: "security_desk", rule: one.alert.rule, title: one.alert.title, time: one.time, ...more });
    this.waiting = recent.slice(3).map((one) => view(one, { tries: 3, again: iso(now + 42_000), error: "the receiver answered 503 Service Unavailable" }));
    this.dead = recent.slice(0, 3).map((one) => view(one, { tries: 12, error: "the receiver answered 400 Bad Request: unknown field `runbook`" }));
    this.disabled = new Map([["partner_hook", "the receiver answered 410 Gone: it wants nothing any more"]]);
  }

  makeQuarantine(now) {
    const kinds = [
      ["cards", "card_auths", "malformed", "`amount` is not a number: \"12,50\"", { id: "a77", card: "card-20011", merchant: "shoes.example", amount: "12,50", approved: true, at: 1795261000000 }],
      ["cards", "card_auths", "late", "event time is 6 min 12 s behind, and `late` is 5s", { id: "a78", card: "card-20417", merchant: "ring.example", amount: 0.99, approved: true, at: 1795260600000 }],
      ["sensors", "sensor_readings", "malformed", "`at` is missing", { id: "r19", sensor: "s25100", kind: "reading", value: 20.5, unit: "celsius" }],
      ["logins", "logins", "not_json", "expected `,` or `}` at byte 61", "{\"id\":\"l4\",\"user\":\"ada\",\"ip\":\"203.0.113.9\",\"ok\":tru"],
    ];
    this.quarantine = Array.from({ length: 64 }, (_, index) => {
      const [source, stream, reason, detail, record] = kinds[index % kinds.length];
      return { place: (64 - index) * 400, time: iso(now - index * 1_140_000), source, stream, partition: 0, offset: (64 - index) * 180, number: 64 - index, reason, detail, record: typeof record === "string" ? record : JSON.stringify(record), length: null };
    });
  }

  rule(one) {
    const { text: _, ...rest } = one;
    const own = this.alerts.filter((alert) => alert.alert.rule === one.name);
    const seed = one.name.length;
    return {
      ...rest, mode_of_text: "live", mode_wanted: one.wanted ?? (one.mode === "live" ? null : { mode: one.mode, by: "chris", comment: "new, being watched", since: iso(this.started) }), sinks: SINKS_OF[one.file.split("/")[0]],
      counters: { events: 180_000 * seed + this.events % 100_000, alerts: own.length, held_back: own.filter((alert) => alert.status === "held").length, limits: one.name === "impossible_travel" ? 2 : 0, forgotten: 0, faults: 0 },
      last_alert: own.at(-1)?.time ?? null,
    };
  }

  ruleDetail(one) {
    return {
      ...this.rule(one), text: one.text, tokens: tokensOf(one.text), words: WORDS[one.name],
      cost: `${STORIES[one.name].steps.length + 2} states; partial matches are held together, 48 bytes each; an event that concerns the rule costs about 60 ns`,
      graph: { ...GRAPHS[one.name], within_seconds: STORIES[one.name].within, left_out: 0 },
    };
  }

  runs(one, now) {
    const nodes = this.nodes[one.name];
    const total = nodes.reduce((sum, count) => sum + count, 0);
    const chance = chanceOf(one.name.length * 31);
    const { make, steps } = STORIES[one.name];
    const near_misses = Array.from({ length: 5 }, (_, index) => {
      const { key, events } = make(chance, now - index * 1_700_000);
      return { key, since: iso(events[0][2]), ended: iso(events[0][2] + 600_000), captured: Math.max(1, events.length - 1), missing: 1, waited_for: [steps.at(-1).variables[0]] };
    });
    return { time: iso(now), keys: Math.round(total * 0.9), partial_matches: total, nodes, keys_not_read: 0, near_misses };
  }

  state({ rule, keys, limit, now }) {
    const all = [];
    for (const one of this.rules) {
      if (rule !== null && one.name !== rule) continue;
      const isOf = keys.every((key) => one.key.includes(key.split("=")[0]) || !key.includes("="));
      if (!isOf || STORIES[one.name].steps.length < 2) continue;
      const { make, steps, within } = STORIES[one.name];
      const { events } = make(chanceOf(one.name.length + 5), now - 90_000);
      const taken = events.filter(([variable]) => steps[0].variables.includes(variable)).slice(0, 3);
      const since = now - 200_000;
      const key = Object.fromEntries(one.key.map((name, index) => [name, keys[index]?.replace(/^\w+=/, "") ?? make(chanceOf(one.name.length), now).key[name]]));
      const next = steps[1];
      all.push({
        rule: one.name, fingerprint: one.fingerprint, key, reported: false, since: iso(since), until: iso(since + within * 1000),
        step: { number: next.absent ? 1 : 2, of: steps.length, element: next.absent ? steps[0].text : next.text, taken: 0 },
        then: next.absent && steps.length === 2 ? "match" : "dropped",
        waits_for: [{ event: next.variables[0], kind: next.absent ? "absence" : "event", until: iso(since + within * 1000), missing: steps.length - 2 }],
        captured: taken.map(([name, stream, , record], index) => ({ name, stream, time: iso(since + index * 31_000), record })), events: taken.length, of_key: 1,
      });
    }
    const rules = this.rules.map((one) => ({ rule: one.name, fingerprint: one.fingerprint, keys: 10, partial_matches: this.nodes[one.name].reduce((sum, count) => sum + count, 0) }));
    return { event_time: iso(now - 4_000), rules, partial_matches: all.slice(0, limit), total: all.length };
  }

  overview(now) {
    const sinks = this.sinks();
    const partial = Object.values(this.nodes).flat().reduce((sum, count) => sum + count, 0);
    return {
      version: "0.1.0", started: iso(this.started), now: iso(now), event_time: iso(now - 4_000), lag_seconds: 4,
      ready: {
        status: "degraded", reasons: [],
        notes: [{ part: "security_desk", why: "the receiver has not accepted anything for 18 min; 4 alerts wait" }, { part: "partner_hook", why: "disabled: the receiver answered 410 Gone" }],
      },
      totals: { events: this.events, rejected: 1_204, late: 388, alerts: this.alerts.length, partial_matches: partial, keys: Math.round(partial * 0.93), waiting_alerts: this.waiting.length, dead_letters: this.dead.length },
      samples: this.samples,
      sources: [
        { name: "cards", type: "kafka", streams: ["card_auths"], events: 30_112_845, rejected: 812, late: 301 },
        { name: "logins", type: "tcp", streams: ["logins"], events: 6_402_118, rejected: 44, late: 80 },
        { name: "accounts", type: "http", streams: ["account_changes", "payouts", "transfers"], events: 1_871_030, rejected: 0, late: 7 },
        { name: "sensors", type: "udp", streams: ["sensor_readings"], events: 2_904_511, rejected: 348, late: 0 },
        { name: "orders", type: "file", streams: ["orders", "ticket_orders"], events: 96_705, rejected: 0, late: 0 },
      ],
      sinks,
    };
  }

  sinks() {
    const sink = (name, type, sent, failed) => ({
      name, type, sent, failed, waiting: this.waiting.filter((one) => one.sink === name).length,
      dead: this.dead.filter((one) => one.sink === name).length, disabled: this.disabled.get(name) ?? null,
    });
    return [sink("fraud_desk", "slack", 412, 1), sink("security_desk", "webhook", 288, 39), sink("operations", "alertmanager", 240, 0), sink("audit", "file", 640, 0), sink("partner_hook", "webhook", 17, 1)];
  }

  play({ text, events }) {
    const diagnostics = diagnosticsOf(text, [...this.streams.map((stream) => stream.name), "attacks"]);
    const answer = { diagnostics, alerts: [], alerts_left_out: 0, partial_matches: [], rejected: [], why_not: [], tokens: tokensOf(text), gave_up: false };
    const name = /^rule (\w+)/m.exec(text)?.[1];
    if (name === undefined || diagnostics.some((one) => one.severity === "error")) return answer;
    const least = Number(/match\s+(\d+)\+\s+tiny/.exec(text)?.[1] ?? 3);
    const tiny = [];
    events.forEach(({ stream, record }, index) => {
      if (!this.streams.some((one) => one.name === stream)) return answer.rejected.push({ index, why: `there is no stream \`${stream}\`` });
      if (typeof record.at !== "number") return answer.rejected.push({ index, why: "`at` is missing" });
      const captured = { stream, time: iso(record.at), record };
      if (record.amount < 2) tiny.push({ variable: "tiny", ...captured });
      else if (record.amount >= 200 && record.approved && tiny.length >= least) {
        const all = [...tiny.splice(0), { variable: "big", ...captured }];
        answer.alerts.push({
          alert: {
            id: this.chance.hex(32), rule: name, fingerprint: this.chance.hex(32), severity: "critical", kind: "match", about: null, tags: [], key: { card: record.card },
            title: `Card ${record.card}: ${all.length - 1} tiny charges, then ${record.amount} at ${record.merchant}`, first_time: all[0].time, last_time: captured.time, decided_time: captured.time,
            suppressed: 0, fields: { tries: all.length - 1, spent: record.amount }, events: { tiny: all.slice(0, -1).map((one) => one.record), big: [record] }, tables: {},
          },
          captured: all, steps: [{ text: `${least}+ tiny`, variables: ["tiny"], absent: false }, { text: "big", variables: ["big"], absent: false }], within_seconds: 600, if_nothing_comes: false,
        });
      }
    });
    if (answer.alerts.length === 0 && tiny.length > 0) {
      answer.why_not.push({ rule: name, text: `The nearest partial match, for card=${tiny[0].record.card}, took ${tiny.length} of ${least} or more events \`tiny\` and then waited for ${tiny.length < least ? `${least - tiny.length} more \`tiny\`` : "`big`"} until ${iso(Date.parse(tiny[0].time) + 600_000)}.\nThe next event of that card did not fit: \`amount >= big_charge\` was not so.`, events: [] });
      answer.partial_matches.push({
        rule: name, fingerprint: "", key: { card: tiny[0].record.card }, reported: false, since: tiny[0].time, until: iso(Date.parse(tiny[0].time) + 600_000), then: "dropped",
        step: { number: 1, of: 2, element: `${least}+ tiny`, taken: tiny.length }, waits_for: [{ event: tiny.length < least ? "tiny" : "big", kind: "event", until: iso(Date.parse(tiny[0].time) + 600_000), missing: 1 }],
        captured: tiny.map(({ variable, ...one }) => ({ name: variable, ...one })), events: tiny.length, of_key: 1,
      });
    }
    return answer;
  }

  counts(since, until, step) {
    const buckets = new Map();
    for (const { time, alert } of this.alerts) {
      const at = Date.parse(time);
      if (at < since || at >= until) continue;
      const start = Math.floor(at / 1000 / step) * step * 1000;
      if (!buckets.has(start)) buckets.set(start, { time: iso(start), ...Object.fromEntries(SEVERITIES.map((severity) => [severity, 0])) });
      buckets.get(start)[alert.severity] += 1;
    }
    return { since: iso(since), until: iso(until), step_seconds: step, buckets: [...buckets.values()].sort((one, other) => (one.time < other.time ? -1 : 1)) };
  }
}
