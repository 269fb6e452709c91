// What the page is tested before: the made-up service of web/dev, or the real program.
//
// Both give the same: the address of the page; `raise`, which makes an alert of `card_testing` occur, for a card of its
// own, and gives the card; `cut`, which ends the connections of live streams; `stop`. The real program is used where the
// environment names it: TRIPLINE=target/debug/tripline.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createReceiver } from "node:http";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { start } from "../../web/dev/server.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const PATIENCE_MS = 20_000;
/** So many alerts there are before the tests begin: more than one page of the list. */
const BEFORE = 90;

export const isReal = process.env.TRIPLINE !== undefined;

/** What the tests are about, as the environment says. */
export const target = () => (isReal ? running(resolve(process.env.TRIPLINE)) : madeUp());

export async function madeUp(options = {}) {
  const app = await start(options);
  return {
    url: app.url,
    raise: async () => app.service.raise("card_testing").alert.key.card,
    cut: () => app.cutStreams(),
    stop: () => app.stop(),
  };
}

/** The program on the example rules, which gets events over TCP; behind a proxy, whose connections can be cut. */
export async function running(program) {
  const folder = await mkdtemp(join(tmpdir(), "tripline-web-"));
  const receiver = createReceiver((request, response) => request.resume().on("end", () => response.end()));
  await new Promise((listening) => receiver.listen(0, "127.0.0.1", listening));
  const [api, cards] = await freePorts(2);
  await writeFile(join(folder, "tripline.toml"), configuration(api, cards, receiver.address().port));
  let log = "";
  const service = spawn(program, ["run", "--config", "tripline.toml"], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  for (const output of [service.stdout, service.stderr]) output.on("data", (piece) => (log = (log + piece).slice(-8_000)));
  const proxy = await start({ api: `http://127.0.0.1:${api}` });
  const stop = async () => {
    proxy.stop();
    service.kill("SIGTERM");
    await new Promise((ended) => (service.exitCode === null ? service.once("exit", ended) : ended()));
    receiver.close();
    await rm(folder, { recursive: true });
  };
  try {
    await answers(`http://127.0.0.1:${api}/readyz`, service);
    const attack = attacks();
    // Over a connection of its own, as a service that begins anew ends those that there are.
    const send = async (count) => {
      const all = Array.from({ length: count }, attack);
      const sender = await reached(cards);
      await new Promise((sent) => sender.end(all.map(({ lines }) => lines).join(""), sent));
      return all.at(-1).card;
    };
    await send(BEFORE);
    return { url: proxy.url, raise: () => send(1), cut: proxy.cutStreams, stop };
  } catch (error) {
    await stop();
    throw new Error(`${error.message}; its log ends with:\n${log}`);
  }
}

function configuration(api, cards, receiver) {
  const sinks = ["fraud_desk", "security_desk", "operations", "audit"];
  return `rules = '${join(root, "rules")}'

[api]
listen = "127.0.0.1:${api}"

[state]
path = "state"

[sources.card_auths]
type = "tcp"
stream = "card_auths"
listen = "127.0.0.1:${cards}"
${sinks.map((name) => `\n[sinks.${name}]\ntype = "webhook"\nurl = "http://127.0.0.1:${receiver}/${name}"\n`).join("")}`;
}

/** Makes attacks, each on a card of its own, with an ordinary charge behind it so that event time passes. */
function attacks() {
  let count = 0;
  let now = Date.parse("2026-03-02T08:00:00Z");
  const charge = (card, amount) => {
    now += 60_000;
    const record = { id: `${card}-${now}`, card, merchant: "phones.example", amount, currency: "EUR", approved: true, entry: "online", client: { device: { id: "d-17" } }, at: now };
    return `${JSON.stringify(record)}\n`;
  };
  return () => {
    const card = `card-${10_000 + ++count}`;
    const lines = [0.5, 1, 1.5, 899].map((amount) => charge(card, amount));
    // It stays in the middle of the pattern.
    return { card, lines: [...lines, charge("card-0", 1)].join("") };
  };
}

/** Ports that nobody has, and that are not the same. */
async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}

async function patiently(what, service, ask) {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await ask().catch(() => null);
    if (found !== null) return found;
    if (service !== null && service.exitCode !== null) throw new Error(`the service has ended with ${service.exitCode}`);
    if (Date.now() > until) throw new Error(`${what} does not answer`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

const answers = (url, service) => patiently(url, service, async () => ((await fetch(url)).ok ? true : null));

const reached = (port) =>
  patiently(`port ${port}`, null, () => new Promise((found, failed) => {
    const socket = connect(port, "127.0.0.1", () => found(socket));
    socket.once("error", failed);
  }));
