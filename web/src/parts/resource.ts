// Something asked of the API for as long as it is shown: asked again from time to time, and when it changes what is asked.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { asProblem, type Problem } from "../api/problem";

export interface Resource<T> {
  /** The last answer, which stays while it is asked again. */
  value: T | null;
  /** Why there is no newer one. */
  problem: Problem | null;
  reload: () => void;
}

/** A service that begins anew, or is busy for a moment, says so with this status. */
const IN_A_MOMENT = 503;
const MOMENT_MS = 1_000;

/** `deps` are what the question depends on; `everyMs` is how often it is asked, once if it is 0. */
export function useResource<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  deps: readonly unknown[],
  everyMs = 0,
): Resource<T> {
  const [state, setState] = useState<{ value: T | null; problem: Problem | null }>({ value: null, problem: null });
  const [round, setRound] = useState(0);
  const asked = useRef("");
  const about = JSON.stringify(deps);
  useEffect(() => {
    // Of something else the old answer is no answer.
    if (asked.current !== about) setState({ value: null, problem: null });
    asked.current = about;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const again = async (): Promise<void> => {
      let pause = everyMs;
      if (!document.hidden) {
        try {
          const value = await ask(stop.signal);
          if (!stop.signal.aborted) setState({ value, problem: null });
        } catch (error) {
          const problem = asProblem(error);
          if (problem.status === IN_A_MOMENT) pause = MOMENT_MS;
          if (!stop.signal.aborted) setState((old) => ({ ...old, problem }));
        }
      }
      if (pause > 0 && !stop.signal.aborted) timer = setTimeout(() => void again(), pause);
    };
    void again();
    const seen = (): void => {
      if (document.hidden || everyMs === 0) return;
      clearTimeout(timer);
      void again();
    };
    document.addEventListener("visibilitychange", seen);
    return () => {
      stop.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
    };
  }, [about, everyMs, round]);
  const reload = useCallback(() => setRound((number) => number + 1), []);
  // Until the effect has run, the answer to the last question is still there.
  return asked.current === about || asked.current === "" ? { ...state, reload } : { value: null, problem: null, reload };
}
