// The list of alerts as it is loaded, grows at its end, and gets new ones at its beginning. Newest first.
import type { AlertPage, AlertSummary, Status } from "../api/types";

export interface AlertList {
  items: AlertSummary[];
  /** Where the next page begins; none at the end. */
  next: number | null;
  /** How far back has been looked, when little was found. */
  searchedTo: string | null;
  /** Ids of those that came live since it was loaded. */
  fresh: ReadonlySet<string>;
  /** How many came that are gone already. */
  missed: number;
  /** What was heard of alerts that may come later in a page. */
  heard: ReadonlyMap<string, Said>;
}

interface Said {
  status: Status;
  status_by: string | null;
}

export type Change =
  | { type: "loaded"; page: AlertPage }
  | { type: "more"; page: AlertPage }
  | { type: "arrived"; alert: AlertSummary }
  | { type: "changed"; id: string; status: Status; status_by: string | null }
  | { type: "missed"; count: number };

export const NO_ALERTS: AlertList = {
  items: [],
  next: null,
  searchedTo: null,
  fresh: new Set(),
  missed: 0,
  heard: new Map(),
};

/** So many are held at most; who looks further back narrows the filter. */
const MOST = 2_000;

export function reduce(list: AlertList, change: Change): AlertList {
  switch (change.type) {
    case "loaded":
      return { ...NO_ALERTS, ...pageOf(change.page), items: change.page.alerts };
    case "more": {
      const known = new Set(list.items.map((alert) => alert.id));
      const more = change.page.alerts.filter((alert) => !known.has(alert.id)).map((alert) => withHeard(alert, list));
      const items = [...list.items, ...more];
      return { ...list, ...pageOf(change.page), items: items.slice(0, MOST), ...(items.length > MOST && { next: null }) };
    }
    case "arrived":
      return arrived(list, change.alert);
    case "changed": {
      const { id, status, status_by } = change;
      const heard = new Map(list.heard).set(id, { status, status_by });
      return { ...list, heard, items: list.items.map((alert) => (alert.id === id ? { ...alert, status, status_by } : alert)) };
    }
    case "missed":
      return { ...list, missed: list.missed + change.count };
  }
}

function pageOf(page: AlertPage): Pick<AlertList, "next" | "searchedTo"> {
  return { next: page.next, searchedTo: page.searched_to };
}

/** What has been heard of an alert, which a page that was asked for before does not know. */
function withHeard(alert: AlertSummary, list: AlertList): AlertSummary {
  const said = list.heard.get(alert.id);
  return said === undefined ? alert : { ...alert, ...said };
}

function arrived(list: AlertList, alert: AlertSummary): AlertList {
  if (list.items.some((other) => other.id === alert.id)) return list;
  // After a connection was lost, several come at once; numbers say their order.
  const before = list.items.findIndex((other) => other.number < alert.number);
  const place = before < 0 ? list.items.length : before;
  const items = [...list.items.slice(0, place), withHeard(alert, list), ...list.items.slice(place)].slice(0, MOST);
  return { ...list, items, fresh: new Set(list.fresh).add(alert.id) };
}
