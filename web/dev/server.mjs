// The development server of the page: a made-up service behind the real API's paths, with alerts that come live, and the
// page built again at each change.
//
//   node dev/server.mjs [--watch] [--port 7071] [--role read|operate|admin] [--token TOKEN] [--quiet]
//   node dev/server.mjs --watch --api http://127.0.0.1:7070    the page before a service that really runs
import { createServer, request as ask } from "node:http";
import { readFile } from "node:fs/promises";
import { dirname, extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { context } from "esbuild";
import { settings } from "../build.mjs";
import { answer, fits, Refusal } from "./api.mjs";
import { Service } from "./service.mjs";

const here = join(dirname(fileURLToPath(import.meta.url)), "..");
/** Where the page is; the second one is the reference of the API. */
const PAGES = ["/", "/api"];
const DOCUMENT = join(here, "../docs/openapi.json");
const TYPES = { ".json": "application/json", ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";

/** Starts it; gives its address, the service, and what ends it. */
export async function start({ port = 0, role = "admin", token = null, quiet = true, watch = false, api = null } = {}) {
  const service = new Service({ role });
  const page = watch ? await watched() : built;
  const streams = new Set();
  const server = createServer((request, response) => {
    const url = new URL(request.url, "http://localhost");
    if (api !== null && (!watch || url.pathname.startsWith("/v1/"))) return void pass(api, request, response, streams);
    if (!url.pathname.startsWith("/v1/")) return void page(PAGES.includes(url.pathname) ? "/" : url.pathname).then((file) => send(response, file));
    if (url.pathname === "/v1/openapi.json") return void readFile(DOCUMENT).then((contents) => send(response, { name: DOCUMENT, contents }));
    if (token !== null && request.headers.authorization !== `Bearer ${token}`) {
      return problem(response, new Refusal(401, "no-token", "a token is wanted, and there is none or a wrong one"));
    }
    if (url.pathname === "/v1/alerts/stream") return stream(service, url, request, response, streams);
    read(request).then((body) => {
      const result = answer(service, request.method, url.pathname, url.searchParams, body);
      json(response, 200, "application/json", result);
    }).catch((error) => problem(response, error));
  });
  const pulse = setInterval(() => service.tick(), 1_000);
  const alerts = quiet ? null : setInterval(() => service.raise(), 4_000);
  await new Promise((listening) => server.listen(port, "127.0.0.1", listening));
  const stop = () => {
    [pulse, alerts].forEach(clearInterval);
    for (const response of streams) response.destroy();
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${server.address().port}/`, service, cutStreams: () => streams.forEach((response) => response.destroy()), stop };
}

async function built(path) {
  const name = normalize(path === "/" ? "index.html" : path);
  try {
    return { name, contents: await readFile(join(here, "dist", name)) };
  } catch {
    return null;
  }
}

/** The page from its sources, built again when they change. */
async function watched() {
  const builder = await context({ ...settings, sourcemap: "inline", entryNames: "[name]", outdir: "dist" });
  return async (path) => {
    const { outputFiles } = await builder.rebuild();
    if (path === "/") {
      const page = await readFile(join(here, "src/index.html"), "utf8");
      const names = { theme: "theme.js", main: "main.js", style: "style.css", icon: "icon.svg" };
      return { name: "index.html", contents: page.replace(/\{\{(\w+)\}\}/g, (_, name) => `assets/${names[name]}`) };
    }
    const name = path.split("/").pop();
    if (name === "icon.svg") return { name, contents: await readFile(join(here, "src/icon.svg")) };
    const found = outputFiles.find((file) => file.path.endsWith(`/${name}`));
    return found === undefined ? null : { name, contents: found.contents };
  };
}

function send(response, file) {
  if (file === null) return problem(response, new Refusal(404, "no-such-path", "there is nothing here"));
  response.writeHead(200, { "Content-Type": TYPES[extname(file.name)] ?? "text/plain", "Cache-Control": "no-cache", "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff" });
  response.end(file.contents);
}

function json(response, status, type, value) {
  response.writeHead(status, { "Content-Type": type, "Cache-Control": "no-store" });
  response.end(JSON.stringify(value));
}

function problem(response, error) {
  const { status, kind } = error instanceof Refusal ? error : { status: 500, kind: "internal" };
  if (!(error instanceof Refusal)) console.error(error);
  json(response, status, "application/problem+json", { type: `urn:tripline:problem:${kind}`, title: String(status), status, detail: error.message });
}

async function read(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return pieces.length === 0 ? null : JSON.parse(Buffer.concat(pieces).toString());
}

function stream(service, url, request, response, streams) {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  streams.add(response);
  const write = ({ event, id, data }) => response.write(`event: ${event}\n${id === undefined ? "" : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`);
  const after = Number(request.headers["last-event-id"] ?? url.searchParams.get("after") ?? Infinity);
  const wanted = (one) => fits(service, url.searchParams, one);
  for (const one of service.alerts) if (one.number > after && wanted(one)) write({ event: "alert", id: one.number, data: service.summary(one) });
  const hear = (message) => {
    if (message.event !== "alert" || wanted(service.alerts.at(-1))) write(message);
  };
  service.listeners.add(hear);
  response.write(": hello\n\n");
  const alive = setInterval(() => response.write(": still here\n\n"), 15_000);
  response.on("close", () => {
    clearInterval(alive);
    streams.delete(response);
    service.listeners.delete(hear);
  });
}

/** Hands a request on to a service that really runs. */
function pass(api, request, response, streams) {
  if (request.url.startsWith("/v1/alerts/stream")) {
    streams.add(response);
    response.on("close", () => streams.delete(response));
  }
  const to = new URL(request.url, api);
  // With the host that the browser has asked, as otherwise its requests look like those of another page.
  const onward = ask(to, { method: request.method, headers: request.headers }, (reply) => {
    response.writeHead(reply.statusCode, reply.headers);
    // Of a stream nothing may come for a while.
    response.flushHeaders();
    reply.pipe(response);
  });
  onward.on("error", () => problem(response, new Refusal(502, "unreachable", `${api} does not answer`)));
  response.on("close", () => onward.destroy());
  request.pipe(onward);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const said = (name) => process.argv.includes(`--${name}`);
  const value = (name, standard) => (said(name) ? process.argv[process.argv.indexOf(`--${name}`) + 1] : standard);
  const { url } = await start({
    port: Number(value("port", 7071)), role: value("role", "admin"), token: value("token", null), api: value("api", null),
    quiet: said("quiet"), watch: said("watch"),
  });
  console.log(`The page is at ${url}`);
}
