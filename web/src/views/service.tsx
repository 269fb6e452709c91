// The service itself: who one is to it, its configuration, savepoints, streams, what it set aside.
import { useState } from "preact/hooks";
import { get, post } from "../api/client";
import { me } from "../api/session";
import type { Reloaded, Savepoint, Stream } from "../api/types";
import { bytes, exactCount, listed } from "../lib/format";
import { href } from "../lib/route";
import { Act, attempt, Confirm, note } from "../parts/act";
import { Ago, Wall } from "../parts/clock";
import { Toml } from "../parts/code";
import { Card, Empty, Fact, Show, View } from "../parts/frame";
import { overview } from "../parts/live";
import { useResource } from "../parts/resource";
import { Quarantine } from "./quarantine";

const TABS = { about: "About", config: "Configuration", streams: "Streams", savepoints: "Savepoints", quarantine: "Quarantine" } as const;
type Tab = keyof typeof TABS;

export function ServiceView({ tab }: { tab: string }) {
  const shown = tab in TABS ? (tab as Tab) : "about";
  return (
    <View title="Service" name={TABS[shown]}>
      <nav class="tabs" aria-label="Parts of this view">
        {Object.entries(TABS).map(([key, name]) => (
          <a key={key} href={href(["service", key])} aria-current={key === shown ? "page" : undefined}>
            {name}
          </a>
        ))}
      </nav>
      {shown === "about" && <About />}
      {shown === "config" && <Configuration />}
      {shown === "streams" && <Streams />}
      {shown === "savepoints" && <Savepoints />}
      {shown === "quarantine" && <Quarantine />}
    </View>
  );
}

const ROLE_WORDS = {
  read: "You can look at everything, and change nothing.",
  operate: "You can acknowledge, resolve and silence alerts, have them sent again and make savepoints.",
  admin: "You can do everything: put rules live or off, reload, and drop what was given up.",
} as const;

function About() {
  const known = overview.value;
  return (
    <div class="columns">
      <Card title="You">
        <dl class="facts">
          <Fact name="Name">{me.value?.name ?? "…"}</Fact>
          <Fact name="Role">{me.value?.role ?? "…"}</Fact>
        </dl>
        {me.value !== null && <p class="words dim">{ROLE_WORDS[me.value.role]}</p>}
        {me.value?.name === "anonymous" && <p class="words dim">No tokens are set up, so whoever reaches this page can do everything. Only this machine can reach it.</p>}
      </Card>
      <Card title="The service">
        {known === null ? (
          <Empty title="Not known yet" />
        ) : (
          <dl class="facts">
            <Fact name="Version">{known.version}</Fact>
            <Fact name="Started">
              <Wall time={known.started} />
            </Fact>
            <Fact name="Events">{exactCount(known.totals.events)}</Fact>
            <Fact name="Rejected">
              <a href="#/service/quarantine">{exactCount(known.totals.rejected)}</a>
            </Fact>
            <Fact name="Late">{exactCount(known.totals.late)}</Fact>
            <Fact name="Keys">{exactCount(known.totals.keys)}</Fact>
          </dl>
        )}
        <p class="words">
          <a href="api">The API, for programs</a>
        </p>
      </Card>
    </div>
  );
}

function Configuration() {
  const [isAsking, setAsking] = useState(false);
  const config = useResource((signal) => get<{ file: string; text: string }>("config", {}, signal), []);
  const reload = (_by: string, _comment: string, force: boolean) =>
    attempt("Reloaded.", async () => {
      const { added, changed, removed, modes } = await post<Reloaded>("reload", { force });
      const words = [["added", added], ["changed", changed], ["removed", removed], ["in another mode", modes]] as const;
      const said = words.filter(([, names]) => names.length > 0).map(([what, names]) => `${what} ${listed(names)}`);
      note(said.length === 0 ? "No rule has changed." : `Rules: ${said.join("; ")}.`);
      config.reload();
    });
  return (
    <Card
      title={config.value?.file ?? "Configuration"}
      aside={
        <span class="inline">
          <span>secrets are not shown</span>
          <Act role="admin" onClick={() => setAsking(true)}>
            Reload
          </Act>
        </span>
      }
    >
      <Show of={config} lines={8}>
        {({ text }) => <Toml text={text} />}
      </Show>
      {isAsking && (
        <Confirm title="Reload?" verb="Reload" isRenewal onDone={() => setAsking(false)} act={reload}>
          <p>The configuration, rules and lists are read again, and the service begins anew with them, from its state. What is wrong with them is said here, and then everything stays as it is.</p>
        </Confirm>
      )}
    </Card>
  );
}

function Streams() {
  const streams = useResource((signal) => get<{ streams: Stream[] }>("streams", {}, signal), []);
  return (
    <Show of={streams}>
      {({ streams: all }) =>
        all.length === 0 ? (
          <Empty title="No streams">They are declared in files of rules.</Empty>
        ) : (
          <div class="stream-grid">
            {all.map((stream) => (
              <Card key={stream.name} title={stream.name} aside={originOf(stream)}>
                <table>
                  <tbody>
                    {stream.fields.map((field) => (
                      <tr key={field.name}>
                        <td>
                          {field.name}
                        </td>
                        <td class="dim">
                          {field.type}
                          {field.optional && ", may be missing"}
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </Card>
            ))}
          </div>
        )
      }
    </Show>
  );
}

function originOf(stream: Stream): string {
  if (stream.alerts_of !== null) return `alerts of ${stream.alerts_of}`;
  return stream.sources.length === 0 ? "no source" : `from ${listed(stream.sources)}`;
}

function Savepoints() {
  const [name, setName] = useState("");
  const [isBusy, setBusy] = useState(false);
  const list = useResource((signal) => get<{ savepoints: Savepoint[] }>("savepoints", {}, signal), [], 30_000);
  const make = async (): Promise<void> => {
    setBusy(true);
    await attempt("The savepoint is made.", () => post("savepoints", name.trim() === "" ? {} : { name: name.trim() }));
    setName("");
    setBusy(false);
    list.reload();
  };
  return (
    <Card
      title="Savepoints"
      aside={
        <form class="inline" onSubmit={(event) => (event.preventDefault(), void make())}>
          <input value={name} placeholder="name, or none" aria-label="Name of the savepoint" maxLength={100} spellcheck={false} onInput={(event) => setName(event.currentTarget.value)} />
          <Act role="operate" kind="primary" disabled={isBusy} onClick={() => void make()}>
            {isBusy ? "Making it…" : "Make one"}
          </Act>
        </form>
      }
    >
      <Show of={list}>
        {({ savepoints }) =>
          savepoints.length === 0 ? (
            <Empty title="There are none">A savepoint is the whole state in one file: make one before an upgrade, and start from it if you have to.</Empty>
          ) : (
            <table>
              <thead>
                <tr>
                  <th>Name</th>
                  <th>State of</th>
                  <th class="number">Size</th>
                </tr>
              </thead>
              <tbody>
                {savepoints.map((savepoint) => (
                  <tr key={savepoint.name}>
                    <td class="wrap">{savepoint.name}</td>
                    <td>{savepoint.time === undefined ? <span class="bad wrap">{savepoint.error ?? "unreadable"}</span> : <Ago time={savepoint.time} />}</td>
                    <td class="number">{bytes(savepoint.bytes)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Show>
    </Card>
  );
}

