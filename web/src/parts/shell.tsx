// Navigation, search, how the service is: what stands around every view.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { isLocked, me, setToken } from "../api/session";
import { Dialog } from "./act";
import { chooseZone, zone } from "./clock";
import { Icon, Logo, type IconName } from "./icons";
import { live, overview, overviewProblem, streamState, unseen } from "./live";
import { place } from "./place";
import { Search } from "./search";
import { ShortcutHelp, useShortcuts } from "./shortcuts";
import { Skip } from "./skip";
import { ThemeSwitch } from "./theme-switch";

interface Item {
  path: string;
  name: string;
  icon: IconName;
}

const ITEMS: Item[] = [
  { path: "", name: "Overview", icon: "overview" },
  { path: "alerts", name: "Alerts", icon: "alerts" },
  { path: "rules", name: "Rules", icon: "rules" },
  { path: "keys", name: "Keys", icon: "keys" },
  { path: "playground", name: "Playground", icon: "playground" },
  { path: "silences", name: "Silences", icon: "silences" },
  { path: "delivery", name: "Delivery", icon: "delivery" },
  { path: "service", name: "Service", icon: "service" },
];
/** So many stand at the bottom of a phone's screen; the others behind “More”. */
const ON_PHONES = 4;

export function Shell({ children }: { children: ComponentChildren }) {
  const [isHelp, setHelp] = useState(false);
  useEffect(live, []);
  useShortcuts(() => setHelp(true));
  const { path } = place.value;
  // Who goes elsewhere begins at the top, with the keyboard, too.
  useEffect(() => scrollTo(0, 0), [path.join("/")]);
  return (
    <div class="shell">
      <Skip />
      <header class="top">
        <a class="brand" href="#/" aria-label="Tripline, overview">
          <Logo />
          <span>Tripline</span>
        </a>
        <Search />
        <Health />
        <Person />
      </header>
      <nav class="side" aria-label="Views">
        <ul>
          {ITEMS.map((item) => (
            <li key={item.path}>
              <NavLink item={item} current={path[0] ?? ""} />
            </li>
          ))}
        </ul>
        <SideFoot onHelp={() => setHelp(true)} />
      </nav>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <PhoneNav current={path[0] ?? ""} />
      {isHelp && <ShortcutHelp onClose={() => setHelp(false)} />}
    </div>
  );
}

function NavLink({ item, current, onGo }: { item: Item; current: string; onGo?: () => void }) {
  const count = badge(item.path);
  return (
    <a href={`#/${item.path}`} aria-current={item.path === current ? "page" : undefined} onClick={onGo}>
      <Icon name={item.icon} />
      <span>{item.name}</span>
      {count > 0 && (
        <span class="badge" title={item.path === "alerts" ? "new since you looked" : "given up or disabled"}>
          {count > 99 ? "99+" : count}
        </span>
      )}
    </a>
  );
}

function badge(path: string): number {
  if (path === "alerts") return place.value.path[0] === "alerts" && place.value.path.length === 1 ? 0 : unseen.value;
  if (path !== "delivery" || overview.value === null) return 0;
  return overview.value.totals.dead_letters + overview.value.sinks.filter((sink) => sink.disabled !== null).length;
}

function PhoneNav({ current }: { current: string }) {
  const [isOpen, setOpen] = useState(false);
  const close = (): void => setOpen(false);
  const hidden = ITEMS.slice(ON_PHONES);
  const isHidden = hidden.some((item) => item.path === current && item.path !== "");
  return (
    <nav class="phone" aria-label="Views, on phones">
      {ITEMS.slice(0, ON_PHONES).map((item) => (
        <NavLink key={item.path} item={item} current={current} />
      ))}
      <button type="button" aria-expanded={isOpen} class={isHidden ? "current" : ""} onClick={() => setOpen(true)}>
        <Icon name="more" />
        <span>More</span>
      </button>
      {isOpen && (
        <Dialog title="More" onClose={close}>
          <div class="more-list">
            {hidden.map((item) => (
              <NavLink key={item.path} item={item} current={current} onGo={close} />
            ))}
          </div>
          <Settings />
        </Dialog>
      )}
    </nav>
  );
}

const HEALTH_WORDS = { ok: "all in order", degraded: "not all in order", failing: "takes no events" } as const;

/** How the service is, and whether what is shown is live. */
function Health() {
  const ready = overview.value?.ready;
  const isGone = overviewProblem.value !== null || streamState.value === "waiting";
  const status = isGone ? "gone" : (ready?.status ?? "unknown");
  const words = isGone ? "no connection" : ready === undefined ? "connecting" : HEALTH_WORDS[ready.status];
  const title = isGone
    ? "The service does not answer; it is asked again by itself."
    : [...(ready?.reasons ?? []), ...(ready?.notes ?? [])].map(({ part, why }) => `${part}: ${why}`).join("\n");
  return (
    <a class={`health ${status}`} href="#/" title={title || words}>
      <span class="dot" aria-hidden="true" />
      <span class="health-words" role="status">
        {words}
      </span>
      {!isGone && streamState.value === "live" && <span class="live-word">live</span>}
    </a>
  );
}

function Person() {
  const who = me.value;
  if (who === null) return null;
  return (
    <a class="person" href="#/service/about" title={`${who.name}, role ${who.role}`}>
      <span class="person-name">{who.name}</span>
      <span class={`role ${who.role}`}>{who.role}</span>
    </a>
  );
}

function SideFoot({ onHelp }: { onHelp: () => void }) {
  return (
    <div class="side-foot">
      <Settings />
      <div class="side-links">
        <button type="button" class="bare small" onClick={onHelp}>
          Keyboard <kbd>?</kbd>
        </button>
        <a class="small" href="api">
          API
        </a>
        {overview.value !== null && <span class="small dim">{overview.value.version}</span>}
      </div>
    </div>
  );
}

function Settings() {
  const isKnown = me.value !== null && me.value.name !== "anonymous" && me.value.name !== "socket";
  return (
    <div class="settings">
      <ThemeSwitch />
      <div class="segments" role="radiogroup" aria-label="Times">
        {(["utc", "local"] as const).map((name) => (
          <button type="button" key={name} role="radio" aria-checked={zone.value === name} title={name === "utc" ? "Times in UTC" : "Times of this machine"} onClick={() => chooseZone(name)}>
            {name === "utc" ? "UTC" : "local"}
          </button>
        ))}
      </div>
      {isKnown && (
        <button type="button" class="bare small" onClick={() => (setToken(null), (isLocked.value = true))}>
          Leave
        </button>
      )}
    </div>
  );
}
