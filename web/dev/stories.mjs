// Made-up cases, one for each rule: the steps of its pattern, and events that match it.
const S = 1000;
const M = 60 * S;
const H = 60 * M;

const shops = ["phones.example", "shoes.example", "bikes.example", "tv.example", "gifts.example"];
const users = ["ada", "ben", "cleo", "dilan", "eva", "finn", "gil", "hana", "ivo", "juno"];
const cents = (value) => Math.round(value * 100) / 100;
const iso = (ms) => new Date(ms).toISOString().replace(".000Z", "Z");

const auth = (chance, card, at, amount, merchant, approved, device) => ({
  id: `a${chance.hex(6)}`, card, merchant, amount: cents(amount), currency: "EUR", approved, entry: "online",
  client: { device: { id: device } }, at,
});
const login = (chance, user, at, ip, ok, more = {}) => ({
  id: `l${chance.hex(6)}`, user, ip, ok, known_device: more.known ?? true, device: { id: more.device ?? "d-1" },
  geo: { country: more.country ?? "DE", lat: more.lat ?? 52.5, lon: more.lon ?? 13.4 }, at: iso(at),
});
const step = (variable, text = variable, absent = false) => ({ text, variables: [variable], absent });

/** Each gives, ending about at a time: key, events in order, title, fields, kind, severity. */
export const STORIES = {
  card_testing: {
    within: 600, weight: 6,
    steps: [step("tiny", "3+ tiny"), step("big")],
    make(chance, end) {
      const card = `card-${chance.whole(20_000, 29_999)}`;
      const tries = chance.whole(3, 6);
      const device = `d-${chance.whole(10, 99)}`;
      const start = end - chance.between(3, 8) * M;
      const events = Array.from({ length: tries }, (_, index) => {
        const at = start + index * chance.between(12, 34) * S;
        return ["tiny", "card_auths", at, auth(chance, card, Math.round(at), chance.between(0.2, 1.9), chance.pick(["ring.example", "tunes.example", "app.example"]), chance.next() < 0.6, device)];
      });
      const big = cents(chance.between(220, 980));
      const merchant = chance.pick(shops);
      events.push(["big", "card_auths", end, auth(chance, card, Math.round(end), big, merchant, true, device)]);
      const spent = events.reduce((sum, [, , , record]) => sum + record.amount, 0);
      return {
        key: { card }, events, severity: "critical",
        title: `Card ${card}: ${tries} tiny charges, then ${big} at ${merchant}`,
        fields: { tries, merchants: new Set(events.slice(0, -1).map((event) => event[3].merchant)).size, spent: cents(spent), device },
      };
    },
  },
  account_takeover: {
    within: 86_400, weight: 3,
    steps: [step("change"), step("stranger"), step("verified", "not verified", true), step("drain")],
    make(chance, end) {
      const user = `u${String(chance.whole(15_000, 29_999)).padStart(6, "0")}`;
      const kind = chance.pick(["password_reset", "email_changed", "phone_changed"]);
      const amount = cents(chance.between(150, 2900));
      const ip = `203.0.113.${chance.whole(2, 250)}`;
      const start = end - chance.between(3, 17) * H;
      const second = start + chance.between(0.1, 0.7) * (end - start);
      const destination = chance.pick(["LT", "MT", "CY", "RO"]);
      return {
        key: { user }, severity: "critical",
        events: [
          ["change", "account_changes", start, { id: `c${chance.hex(6)}`, user, kind, via: "web", at: iso(start) }],
          ["stranger", "logins", second, login(chance, user, second, ip, true, { known: false, device: `d-${chance.hex(3)}`, country: destination })],
          ["drain", "payouts", end, { id: `p${chance.hex(6)}`, account: user, amount, destination: { bank_country: destination }, at: Math.round(end) }],
        ],
        title: `${user}: ${kind}, new device, then ${amount} paid out`,
        fields: { amount, destination, login_ip: ip, minutes: Math.round((end - start) / M) },
      };
    },
  },
  money_mule: {
    within: 3600, weight: 2,
    steps: [step("credit", "1+ credit"), step("part", "0+ part"), step("rest")],
    make(chance, end) {
      const account = `acc-${String(chance.whole(10_000, 29_999)).padStart(6, "0")}`;
      const start = end - chance.between(14, 52) * M;
      const sum = chance.whole(9, 45) * 100;
      const out = cents(sum * chance.between(0.3, 0.5));
      const rest = cents(sum * 0.94 - out);
      const transfer = (at, direction, amount) => ({ id: `t${chance.hex(6)}`, account, direction, amount, counterparty: { own: false, bank: chance.pick(["LBDE", "XBLT", "QBMT"]) }, at: Math.round(at) });
      const minutes = Math.ceil((end - start) / M);
      return {
        key: { account }, severity: "high",
        events: [
          ["credit", "transfers", start, transfer(start, "in", sum - 250)],
          ["credit", "transfers", start + 2 * M, transfer(start + 2 * M, "in", 250)],
          ["part", "transfers", start + 0.6 * (end - start), transfer(start + 0.6 * (end - start), "out", out)],
          ["rest", "transfers", end, transfer(end, "out", rest)],
        ],
        title: `Account ${account}: ${sum} in, ${cents(out + rest)} out again within ${minutes} min`,
        fields: { received: sum, passed_on: cents(out + rest), share: 0.94, transfers: 2, minutes },
      };
    },
  },
  cash_out: {
    within: 1800, weight: 2,
    steps: [step("purchase", "1+ lazy purchase"), step("final")],
    make(chance, end) {
      const card = `card-${chance.whole(20_000, 29_999)}`;
      const count = chance.whole(2, 5);
      const events = Array.from({ length: count }, (_, index) => {
        const at = end - (count - 1 - index) * chance.between(2, 6) * M;
        return [index === count - 1 ? "final" : "purchase", "card_auths", at, auth(chance, card, Math.round(at), chance.between(100, 300), "gifts.example", true, "d-77")];
      });
      const spent = cents(events.reduce((sum, event) => sum + event[3].amount, 0));
      return { key: { card }, events, severity: "high", title: `Card ${card}: ${spent} on gift cards and the like`, fields: { spent, purchases: count, usual: 35, device: "d-77" } };
    },
  },
  scalping: {
    within: 600, weight: 3,
    steps: [step("basket", "1+ lazy basket"), step("topping")],
    make(chance, end) {
      const [show, ip] = [chance.pick(["Aurora Tour", "Night Train", "Opera Gala"]), `198.51.100.${chance.whole(2, 250)}`];
      const orders = chance.whole(4, 9);
      const events = Array.from({ length: orders }, (_, index) => {
        const at = end - (orders - 1 - index) * chance.between(20, 55) * S;
        return [index === orders - 1 ? "topping" : "basket", "ticket_orders", at, { id: `o${chance.hex(6)}`, buyer: `b-${chance.whole(100, 999)}`, ip, show, quantity: chance.whole(2, 6), at: iso(at) }];
      });
      const tickets = events.reduce((sum, event) => sum + event[3].quantity, 0);
      return { key: { show, ip }, events, severity: "medium", title: `${show}: ${tickets} tickets to ${ip} in ${orders} orders`, fields: { tickets, orders, last_buyer: events.at(-1)[3].buyer, one_account: false } };
    },
  },
  order_not_shipped: {
    within: 14_400, weight: 5,
    steps: [step("paid"), step("settled", "not settled for 4h", true)],
    make(chance, end) {
      const order = `o-${chance.whole(9_000_000, 9_099_999)}`;
      const start = end - 4 * H;
      const amount = cents(chance.between(20, 400));
      const warehouse = chance.pick(["north", "south", "harbour"]);
      return {
        key: { order }, severity: "high", decided: end,
        events: [["paid", "orders", start, { id: `e${chance.hex(6)}`, order, status: "paid", amount, warehouse, at: iso(start) }]],
        title: `Order ${order}: paid ${iso(start)}, not shipped four hours later`,
        fields: { amount, warehouse, paid_at: iso(start) },
      };
    },
  },
  sensor_silent: {
    within: 900, weight: 7,
    steps: [step("reading"), step("sign", "not sign for 15m", true)],
    make(chance, end) {
      const sensor = `s${chance.whole(25_000, 25_999)}`;
      const start = end - 15 * M;
      const value = cents(chance.between(2, 90));
      return {
        key: { sensor }, severity: "medium", decided: end,
        events: [["reading", "sensor_readings", start, { id: `r${chance.hex(6)}`, sensor, kind: "reading", value, unit: "celsius", at: Math.round(start / 1000) }]],
        title: `Sensor ${sensor} silent since ${iso(start)}`, fields: { last_value: value, last_seen: iso(start) },
      };
    },
  },
  sensor_stuck: {
    within: 5400, weight: 2,
    steps: [step("base"), step("same", "7 consecutive same")],
    make(chance, end) {
      const sensor = `s${chance.whole(25_000, 25_999)}`;
      const value = cents(chance.between(2, 90));
      const events = Array.from({ length: 8 }, (_, index) => {
        const at = end - (7 - index) * 5 * M;
        return [index === 0 ? "base" : "same", "sensor_readings", at, { id: `r${chance.hex(6)}`, sensor, kind: "reading", value, unit: "bar", at: Math.round(at / 1000) }];
      });
      return { key: { sensor }, events, severity: "medium", title: `Sensor ${sensor} stuck at ${value} bar`, fields: { value, readings: 8, since: iso(events[0][2]) } };
    },
  },
  brute_force: {
    within: 600, weight: 6,
    steps: [step("early", "9 early"), step("attempt", "1+ attempt"), step("success")],
    make(chance, end) {
      const user = `${chance.pick(users)}${chance.whole(10, 99)}`;
      const isTimeout = chance.next() < 0.7;
      const failures = chance.whole(11, 29);
      const ip = `203.0.113.${chance.whole(2, 250)}`;
      const start = isTimeout ? end - 10 * M : end - chance.between(4, 9) * M;
      const gap = ((isTimeout ? 9 * M : end - start) * chance.between(0.6, 0.9)) / failures;
      const events = Array.from({ length: failures }, (_, index) => {
        const at = start + index * gap;
        return [index < 9 ? "early" : "attempt", "logins", at, login(chance, user, at, ip, false)];
      });
      if (!isTimeout) events.push(["success", "logins", end, login(chance, user, end, ip, true, { known: false, device: `d-${chance.hex(3)}` })]);
      return {
        key: { user }, events, kind: isTimeout ? "timeout" : "match", severity: isTimeout ? "low" : "high", decided: end,
        title: isTimeout ? `${user}: ${failures} failed logins, none succeeded` : `${user}: logged in from ${ip} after ${failures} failures`,
        fields: { failures, addresses: 1 },
      };
    },
  },
  impossible_travel: {
    within: 43_200, weight: 2,
    steps: [step("here"), step("there")],
    make(chance, end) {
      const user = `u${String(chance.whole(15_000, 29_999)).padStart(6, "0")}`;
      const minutes = chance.whole(20, 90);
      const start = end - minutes * M;
      const [country, lat, lon, km] = chance.pick([["BR", -23.5, -46.6, 10_243], ["SG", 1.35, 103.8, 9_928], ["US", 40.7, -74, 6_385]]);
      return {
        key: { user }, severity: "high",
        events: [
          ["here", "logins", start, login(chance, user, start, "192.0.2.17", true)],
          ["there", "logins", end, login(chance, user, end, `203.0.113.${chance.whole(2, 250)}`, true, { country, lat, lon })],
        ],
        title: `${user}: logins ${km} km apart within ${minutes} min`,
        fields: { km, minutes, from_place: "DE", to_place: country, to_ip: "203.0.113.5" },
      };
    },
  },
  password_spray: {
    within: 900, weight: 1,
    steps: [step("attempt", "10+ attempt"), step("hit")],
    make(chance, end) {
      const ip = `203.0.113.${chance.whole(2, 250)}`;
      const failures = chance.whole(12, 24);
      const events = Array.from({ length: failures }, (_, index) => {
        const at = end - (failures - index) * chance.between(9, 24) * S;
        return ["attempt", "logins", at, login(chance, `u${String(chance.whole(1, 29_999)).padStart(6, "0")}`, at, ip, false)];
      });
      const user = `u${String(chance.whole(1, 29_999)).padStart(6, "0")}`;
      events.push(["hit", "logins", end, login(chance, user, end, ip, true, { known: false })]);
      return { key: { ip }, events, severity: "critical", title: `${ip}: ${failures} users tried, then logged in as ${user}`, fields: { users: failures, failures, got_into: user, seconds: Math.round((end - events[0][2]) / S) } };
    },
  },
  siege: {
    within: 7200, weight: 1,
    steps: [step("failed", "3 failed")],
    make(chance, end) {
      const user = `${chance.pick(users)}${chance.whole(10, 99)}`;
      const events = Array.from({ length: 3 }, (_, index) => ["failed", "attacks", end - (2 - index) * chance.between(20, 40) * M, { rule: "brute_force", kind: "timeout", user, failures: chance.whole(11, 25) }]);
      return { key: { user }, events, severity: "info", title: `${user}: ${events.reduce((sum, event) => sum + event[3].failures, 0)} failed logins in 3 attacks`, fields: { attacks: 3 } };
    },
  },
};

const take = (node, label, dashed = false) => ({ ...node, label, dashed });
const chain = (labels, loops = []) => ({
  nodes: labels.map(([label, accepting]) => ({ label, accepting: accepting === true })),
  edges: [
    ...labels.slice(1).map(([, , edge, dashed], index) => take({ from: index, to: index + 1 }, edge, dashed)),
    ...loops,
  ],
});

export const GRAPHS = {
  card_testing: chain([["start"], ["tiny 1", false, "tiny"], ["tiny 2", false, "tiny"], ["tiny 3+", false, "tiny"], ["big", true, "big"]], [{ from: 3, to: 3, label: "tiny", dashed: false }]),
  account_takeover: chain([["start"], ["change", false, "change"], ["stranger", false, "stranger"], ["drain", true, "drain unless verified"]]),
  money_mule: chain([["start"], ["credit 1+", false, "credit"], ["part 1+", false, "part"], ["rest", true, "rest"]], [{ from: 1, to: 1, label: "credit", dashed: false }, { from: 2, to: 2, label: "part", dashed: false }, { from: 1, to: 3, label: "rest", dashed: false }]),
  cash_out: chain([["start"], ["purchase 1+", false, "purchase"], ["final", true, "final"]], [{ from: 1, to: 1, label: "purchase", dashed: false }]),
  scalping: chain([["start"], ["basket 1+", false, "basket"], ["topping", true, "topping"]], [{ from: 1, to: 1, label: "basket", dashed: false }]),
  order_not_shipped: chain([["start"], ["paid", false, "paid"], ["no settled", true, "no settled for 4h", true]]),
  sensor_silent: chain([["start"], ["reading", false, "reading"], ["no sign", true, "no sign for 15m", true]]),
  sensor_stuck: chain([["start"], ["base", false, "base"], ["same 1", false, "next same"], ["same 2", false, "next same"], ["same 7", true, "next same ×5", true]]),
  brute_force: chain([["start"], ["early 1", false, "early"], ["early 2", false, "early"], ["early 9", false, "early ×7", true], ["attempt 1+", false, "attempt"], ["success", true, "success"]], [{ from: 4, to: 4, label: "attempt", dashed: false }]),
  impossible_travel: chain([["start"], ["here", false, "here"], ["there", true, "there"]]),
  password_spray: chain([["start"], ["attempt 1", false, "attempt"], ["attempt 2", false, "attempt"], ["attempt 10+", false, "attempt ×8", true], ["hit", true, "hit"]], [{ from: 3, to: 3, label: "attempt", dashed: false }]),
  siege: chain([["start"], ["failed 1", false, "failed"], ["failed 2", false, "failed"], ["failed 3", true, "failed"]]),
};
