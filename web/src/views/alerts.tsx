// Alerts as they come: filtered, searched, as far back as they are kept.
import { useEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";
import { get } from "../api/client";
import { asProblem, type Problem } from "../api/problem";
import { listen } from "../api/stream";
import type { AlertPage } from "../api/types";
import { NO_ALERTS, reduce } from "../lib/alert-list";
import { filterOf, filterParams, filterQuery, fits, isEmpty, NO_FILTER, type Filter } from "../lib/filter";
import { plural } from "../lib/format";
import { AlertRow } from "../parts/alert-row";
import { FilterBar } from "../parts/filter-bar";
import { nowMs, Wall } from "../parts/clock";
import { Empty, Failure, Loading, View } from "../parts/frame";
import { unseen } from "../parts/live";
import { go, place, replaceParams } from "../parts/place";
import { isTyping } from "../parts/shortcuts";

const PAGE = 60;

export function AlertsView() {
  const filter = filterOf(place.value.params);
  const about = JSON.stringify(filter);
  const feed = useFeed(filter, about);
  const shown = useMemo(
    () => feed.list.items.filter((alert) => filter.status === "" || alert.status === filter.status),
    [feed.list, filter.status],
  );
  const chosen = useChoice(shown.map((alert) => alert.id));
  useEffect(() => {
    unseen.value = 0;
    return () => (unseen.value = 0);
  }, []);
  const lead = feed.isLoading ? "Looking…" : `${plural(shown.length, "alert")}${feed.list.next === null ? "" : " so far"}, new ones come at the top`;
  return (
    <View title="Alerts" lead={lead}>
      <FilterBar filter={filter} onChange={(changed) => replaceParams(filterParams(changed))} />
      {feed.list.missed > 0 && (
        <p class="stale" role="status">
          {plural(feed.list.missed, "alert")} came while the connection was lost and are not kept any more.
        </p>
      )}
      {feed.problem !== null && <Failure problem={feed.problem} again={feed.again} />}
      {feed.isLoading && feed.problem === null && <Loading lines={8} />}
      {!feed.isLoading && shown.length === 0 && feed.list.next === null && feed.problem === null && <Nothing filter={filter} />}
      {shown.length > 0 && (
        <ul class="alert-rows card" aria-label="Alerts, the newest first">
          {shown.map((alert) => (
            <AlertRow key={alert.id} alert={alert} isFresh={feed.list.fresh.has(alert.id)} isChosen={chosen === alert.id} />
          ))}
        </ul>
      )}
      <More feed={feed} />
    </View>
  );
}

function Nothing({ filter }: { filter: Filter }) {
  return isEmpty(filter) ? (
    <Empty title="No alerts yet">
      They come here as soon as a rule matches. Try a rule on events of yours in the <a href="#/playground">playground</a>.
    </Empty>
  ) : (
    <Empty title="No alert fits">
      <button type="button" onClick={() => replaceParams(filterParams(NO_FILTER))}>
        Show all
      </button>
    </Empty>
  );
}

interface Feed {
  list: ReturnType<typeof reduce>;
  isLoading: boolean;
  isMore: boolean;
  problem: Problem | null;
  more: () => void;
  again: () => void;
}

/** The alerts that a filter lets through: pages of the past, and what comes. */
function useFeed(filter: Filter, about: string): Feed {
  const [list, change] = useReducer(reduce, NO_ALERTS);
  const [isLoading, setLoading] = useState(true);
  const [isMore, setMore] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [round, setRound] = useState(0);
  // Spans like `1h` count back from when the list was loaded, so that its pages fit together.
  const query = useRef(filterQuery(filter, nowMs()));
  const stop = useRef(new AbortController());
  useEffect(() => {
    stop.current = new AbortController();
    const { signal } = stop.current;
    let silence = (): void => {};
    query.current = filterQuery(filter, nowMs());
    setLoading(true);
    setProblem(null);
    const load = async (): Promise<void> => {
      try {
        const page = await get<AlertPage>("alerts", { ...query.current, limit: PAGE }, signal);
        change({ type: "loaded", page });
        setLoading(false);
        // From the newest that the page has, so that none is missed in between. If it has none, what came until it could be
        // listened is asked for.
        const newest = page.alerts[0]?.number ?? null;
        const fill = async (): Promise<void> => {
          const { alerts } = await get<AlertPage>("alerts", { ...query.current, limit: PAGE }, signal);
          alerts.forEach((alert) => change({ type: "arrived", alert }));
        };
        let isFilled = newest !== null;
        silence = listen(query.current, newest, {
          state: (state) => {
            if (state !== "live" || isFilled) return;
            isFilled = true;
            fill().catch((error: unknown) => !signal.aborted && setProblem(asProblem(error)));
          },
          alert: (alert) => fits({ ...filter, text: "", status: "" }, alert) && change({ type: "arrived", alert }),
          changed: (changed) => change({ type: "changed", ...changed }),
          missed: (count) => change({ type: "missed", count }),
        });
        if (signal.aborted) silence();
      } catch (error) {
        if (signal.aborted) return;
        setLoading(false);
        setProblem(asProblem(error));
      }
    };
    // While somebody types, not every letter is asked for.
    const timer = setTimeout(() => void load(), 150);
    return () => {
      clearTimeout(timer);
      stop.current.abort();
      silence();
    };
  }, [about, round]);
  const more = async (): Promise<void> => {
    if (isMore || list.next === null) return;
    const { signal } = stop.current;
    setMore(true);
    try {
      const page = await get<AlertPage>("alerts", { ...query.current, limit: PAGE, cursor: list.next }, signal);
      change({ type: "more", page });
    } catch (error) {
      if (!signal.aborted) setProblem(asProblem(error));
    }
    setMore(false);
  };
  return { list, isLoading, isMore, problem, more: () => void more(), again: () => setRound((number) => number + 1) };
}

/** Loads the next page when its place comes into sight. */
function More({ feed }: { feed: Feed }) {
  const end = useRef<HTMLDivElement>(null);
  const { next, searchedTo } = feed.list;
  useEffect(() => {
    if (end.current === null || next === null) return;
    const watch = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && feed.more(), { rootMargin: "600px" });
    watch.observe(end.current);
    return () => watch.disconnect();
  }, [next]);
  if (next === null) return null;
  return (
    <div ref={end} class="more">
      <button type="button" onClick={feed.more} disabled={feed.isMore}>
        {feed.isMore ? "Looking further back…" : "Look further back"}
      </button>
      {searchedTo !== null && (
        <span class="dim">
          Looked back to <Wall time={searchedTo} />
        </span>
      )}
    </div>
  );
}

/** The alert that `j` and `k` go to, and Enter opens. */
function useChoice(ids: string[]): string | null {
  const [chosen, setChosen] = useState<string | null>(null);
  const known = useRef({ ids, chosen });
  known.current = { ids, chosen };
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (isTyping(event)) return;
      const { ids, chosen } = known.current;
      const step = { j: 1, k: -1 }[event.key];
      if (step !== undefined && ids.length > 0) {
        const at = chosen === null ? -1 : ids.indexOf(chosen);
        const next = ids[Math.min(ids.length - 1, Math.max(0, at + step))]!;
        setChosen(next);
        document.getElementById(`alert-${next}`)?.scrollIntoView({ block: "nearest" });
      } else if (event.key === "Enter" && chosen !== null && event.target === document.body) {
        go(["alerts", chosen]);
      }
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  return chosen;
}
