// Asked of everyone who comes without a token that the service knows.
import { useState } from "preact/hooks";
import { get } from "../api/client";
import { asProblem } from "../api/problem";
import { isLocked, me, setToken } from "../api/session";
import type { Me } from "../api/types";
import { Logo } from "./icons";

export function TokenPrompt() {
  const [text, setText] = useState("");
  const [why, setWhy] = useState("");
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setToken(text.trim());
    try {
      me.value = await get<Me>("me");
      isLocked.value = false;
    } catch (error) {
      const problem = asProblem(error);
      setWhy(problem.status === 401 ? "The service does not know this token, or it has expired." : problem.message);
      setBusy(false);
    }
  };
  return (
    <main class="gate">
      <form class="card" onSubmit={(event) => void submit(event)}>
        <div class="brand">
          <Logo />
          <span>Tripline</span>
        </div>
        <h1>Who is there?</h1>
        <p>This service answers those who have a token. Ask whoever runs it for one.</p>
        <label class="field">
          <span>Token</span>
          <input
            type="password"
            value={text}
            autoFocus
            required
            autoComplete="current-password"
            placeholder="tripline_…"
            spellcheck={false}
            aria-describedby="token-why"
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <p class="wrong" id="token-why" role="alert">
          {why}
        </p>
        <button type="submit" class="primary wide" disabled={isBusy}>
          Go on
        </button>
        <p class="hint">
          It is kept until this tab is closed. One is made with <code>tripline token new --name NAME --role read</code>.
        </p>
      </form>
    </main>
  );
}
