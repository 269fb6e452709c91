// `/api`: the document of the API, for people. Whoever reaches the service may read it, with or without a token.
import { useEffect, useState } from "preact/hooks";
import { get } from "../api/client";
import type { Document } from "../api/openapi";
import { token } from "../api/session";
import { filtered, sectionsOf, type Section } from "../lib/reference";
import { Notes } from "../parts/act";
import { Empty, Show, View } from "../parts/frame";
import { Icon, Logo } from "../parts/icons";
import { Method, OperationCard } from "../parts/operation";
import { useResource } from "../parts/resource";
import { isTyping } from "../parts/shortcuts";
import { Skip } from "../parts/skip";
import { ThemeSwitch } from "../parts/theme-switch";

const DOCUMENT = "v1/openapi.json";
/** Names and addresses by which a machine reaches itself; there a service needs no tokens. */
const LOOPBACK = /^(localhost|127\..*|\[::1\])$/;

export function ReferenceView() {
  const [text, setText] = useState("");
  const document = useResource((signal) => get<Document>("openapi.json", {}, signal), []);
  const sections = document.value === null ? [] : filtered(sectionsOf(document.value), text);
  return (
    <>
      <div class="shell reference">
        <Skip />
        <Top text={text} onText={setText} />
        <Side sections={sections} />
        <main id="main" tabIndex={-1}>
          <Show of={document} lines={9}>
            {(known) => <Reference document={known} sections={sections} text={text} />}
          </Show>
        </main>
      </div>
      <Notes />
    </>
  );
}

function Top({ text, onText }: { text: string; onText: (text: string) => void }) {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== "/" || isTyping(event)) return;
      event.preventDefault();
      globalThis.document.getElementById("search")?.focus();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  return (
    <header class="top">
      <a class="brand" href="./" aria-label="Tripline, overview">
        <Logo />
        <span>Tripline</span>
      </a>
      <div class="search">
        <Icon name="search" size={16} />
        <input
          id="search"
          type="search"
          value={text}
          aria-label="Find an operation"
          placeholder="Find"
          spellcheck={false}
          onInput={(event) => onText(event.currentTarget.value)}
          onKeyDown={(event) => event.key === "Escape" && onText("")}
        />
        <kbd>/</kbd>
      </div>
      <div class="top-end">
        <ThemeSwitch />
      </div>
    </header>
  );
}

function Side({ sections }: { sections: readonly Section[] }) {
  return (
    <nav class="side" aria-label="Operations">
      <div class="side-sections">
        {sections.map(({ name, operations }) => (
          <section key={name}>
            <h2>{name}</h2>
            <ul>
              {operations.map(({ id, method, path }) => (
                <li key={id}>
                  <a href={`#${id}`}>
                    <Method method={method} />
                    <span>{path.replace(/^\/v1\//, "").replace(/^\//, "")}</span>
                  </a>
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
    </nav>
  );
}

const named = (): string => decodeURIComponent(location.hash.slice(1));

function Reference({ document, sections, text }: { document: Document; sections: readonly Section[]; text: string }) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set([named()]));
  const [hasToken, setToken] = useState(token.value !== null || !LOOPBACK.test(location.hostname));
  const toggle = (id: string, isOpen: boolean): void =>
    setOpen((before) => (before.has(id) === isOpen ? before : new Set(isOpen ? [...before, id] : [...before].filter((one) => one !== id))));
  const shown = sections.flatMap(({ operations }) => operations.map(({ id }) => id));
  const areOpen = shown.length > 0 && shown.every((id) => open.has(id));
  useEffect(() => {
    const seek = (): void => {
      const id = named();
      toggle(id, true);
      // When it is open.
      requestAnimationFrame(() => globalThis.document.getElementById(id)?.scrollIntoView());
    };
    if (location.hash !== "") seek();
    addEventListener("hashchange", seek);
    return () => removeEventListener("hashchange", seek);
  }, []);
  const base = new URL("./", location.href).href;
  return (
    <View
      title="API"
      lead={<Lead document={document} base={base} />}
      actions={
        <>
          <label class="check">
            <input type="checkbox" checked={hasToken} onChange={(event) => setToken(event.currentTarget.checked)} />
            <span>commands with a token</span>
          </label>
          <button type="button" onClick={() => setOpen(new Set(areOpen ? [] : shown))}>
            {areOpen ? "Close all" : "Open all"}
          </button>
        </>
      }
    >
      {sections.map((section) => (
        <section class="reference-section" key={section.name}>
          <h2>{section.name}</h2>
          <p class="dim">{section.about}</p>
          {section.operations.map((operation) => (
            <OperationCard key={operation.id} document={document} operation={operation} base={base} hasToken={hasToken} isOpen={open.has(operation.id)} onToggle={(isOpen) => toggle(operation.id, isOpen)} />
          ))}
        </section>
      ))}
      {sections.length === 0 && <Empty title="Nothing fits">No operation has “{text}” in its path or in what it does.</Empty>}
    </View>
  );
}

function Lead({ document, base }: { document: Document; base: string }) {
  return (
    <>
      <p>
        Version {document.info.version}, at <code>{base}</code>: JSON over HTTP. What goes wrong is answered as <code>application/problem+json</code> (RFC 9457), whose <code>type</code> is <code>urn:tripline:problem:</code> and the name of the problem.
      </p>
      <p>
        Of roles, <b>operate</b> may do what <b>read</b> may, and <b>admin</b> everything. The same for machines: <a href={DOCUMENT}>openapi.json</a> (OpenAPI 3.1).
      </p>
    </>
  );
}
