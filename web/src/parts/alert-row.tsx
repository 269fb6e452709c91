// An alert as a line in a list.
import type { AlertSummary } from "../api/types";
import { keyText, plural } from "../lib/format";
import { href } from "../lib/route";
import { Ago, EventTime } from "./clock";
import { KIND_WORDS, SeverityTag, StatusTag } from "./severity";

interface RowProps {
  alert: AlertSummary;
  isFresh?: boolean;
  isChosen?: boolean;
  /** Without what takes room. */
  isCompact?: boolean;
}

export function AlertRow({ alert, isFresh = false, isChosen = false, isCompact = false }: RowProps) {
  const classes = ["alert-row", isFresh ? "fresh" : "", isChosen ? "chosen" : "", alert.status].filter(Boolean).join(" ");
  return (
    <li class={classes} id={`alert-${alert.id}`}>
      <a href={href(["alerts", alert.id])} class="row-link">
        <SeverityTag severity={alert.severity} quiet={isCompact} />
        <span class="row-main">
          <span class="row-title">{alert.title}</span>
          <span class="row-sub">
            <span class="rule-name">{alert.rule}</span>
            <span class="key-text">{keyText(alert.key)}</span>
            {!isCompact && <span>{plural(alert.events, "event")}</span>}
            {!isCompact && alert.kind !== "match" && <span class="kind">{KIND_WORDS[alert.kind]}</span>}
            {!isCompact && alert.suppressed > 0 && <span>stands for {alert.suppressed + 1}</span>}
          </span>
        </span>
        {!isCompact && (
          <span class="row-status">
            <StatusTag status={alert.status} by={alert.status_by} />
          </span>
        )}
        <span class="row-times">
          <Ago time={alert.time} />
          {!isCompact && (
            <span class="row-event-time">
              <EventTime time={alert.decided_time} />
            </span>
          )}
        </span>
      </a>
    </li>
  );
}
