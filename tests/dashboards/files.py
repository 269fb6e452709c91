"""What dashboards, alerts and the catalogue of metrics say, as data."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "dashboards"
# What Prometheus says by itself.
OF_PROMETHEUS = {"up": {"job", "instance"}, "ALERTS": {"job", "instance", "alertname", "alertstate", "severity"}}
# What it adds to everything that it scrapes.
ADDED = {"job", "instance"}

SELECTOR = re.compile(
    r"(?<![\w$])(?P<metric>(?:tripline|process)_[a-z0-9_]+|ALERTS|up)(?![\w(])"
    r"(?:\{(?P<matchers>[^}]*)\})?(?:\[(?P<range>[^\]]+)\])?"
)
MATCHER = re.compile(r'([a-z_]+)\s*(=~|!~|!=|=)\s*"([^"]*)"')


@dataclass(frozen=True)
class Metric:
    """A metric of the catalogue: its labels, with all their values where these are known beforehand."""

    name: str
    kind: str
    unit: str
    labels: dict[str, set[str]]


@dataclass(frozen=True)
class Selector:
    """A metric in an expression, with the function that is called with it, if one is."""

    metric: str
    matchers: tuple[tuple[str, str, str], ...]
    range: str | None
    function: str | None


@dataclass(frozen=True)
class Target:
    """An expression of a panel."""

    dashboard: str
    panel: dict
    expression: str
    legend: str

    def __str__(self) -> str:
        return f"{self.dashboard}, {self.panel.get('title')!r}, {self.expression}"


def catalogue() -> dict[str, Metric]:
    """The metrics of docs/metrics.md, which is made from the program."""
    found = {}
    for line in (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8").splitlines():
        row = re.match(r"\| `([a-z0-9_]+)` \| (counter|gauge|histogram) \| ([^|]+) \| ([^|]*) \|", line)
        if row:
            name, kind, unit, labels = row.groups()
            found[name] = Metric(name, kind, unit.strip(), _labels(labels))
    assert len(found) > 100, "docs/metrics.md is not what it was"
    return found


def _labels(text: str) -> dict[str, set[str]]:
    labels = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, _, values = part.partition(":")
        labels[name.strip("` ")] = set(re.findall(r"`([^`]+)`", values))
    return labels


def scraped(metrics: dict[str, Metric]) -> dict[str, tuple[Metric, set[str]]]:
    """The names under which Prometheus has the metrics, with the labels that they have there."""
    names = {}
    for metric in metrics.values():
        labels = set(metric.labels) | ADDED
        if metric.kind == "histogram":
            names[f"{metric.name}_bucket"] = (metric, labels | {"le"})
            names[f"{metric.name}_sum"] = (metric, labels)
            names[f"{metric.name}_count"] = (metric, labels)
        else:
            names[metric.name] = (metric, labels)
    return names


def selectors(expression: str) -> list[Selector]:
    """The metrics in an expression."""
    found = []
    for match in SELECTOR.finditer(_without_labels(expression)):
        before = re.search(r"(\w+)\s*\(\s*$", expression[: match.start()])
        matchers = tuple(MATCHER.findall(match["matchers"] or ""))
        found.append(Selector(match["metric"], matchers, match["range"], before and before.group(1)))
    return found


def _without_labels(expression: str) -> str:
    """The expression with spaces for what stands in `by (…)` and the like, so that places stay the same."""
    return re.sub(r"\b(by|on|ignoring|without|group_left|group_right)\s*\([^)]*\)", lambda m: " " * len(m[0]), expression)


def grouped_by(expression: str) -> set[str]:
    """The labels by which an expression puts things together."""
    lists = re.findall(r"\b(?:by|on|group_left|group_right)\s*\(([^)]*)\)", expression)
    return {label.strip() for labels in lists for label in labels.split(",") if label.strip()}


def dashboards() -> dict[str, dict]:
    """The dashboards as Grafana reads them, by the name of the file."""
    return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}


def panels(dashboard: dict) -> list[dict]:
    """All panels but the titles of rows."""
    every = [inner for panel in dashboard["panels"] for inner in [panel, *panel.get("panels", [])]]
    return [panel for panel in every if panel["type"] != "row"]


def targets(name: str, dashboard: dict) -> list[Target]:
    """All expressions of a dashboard."""
    return [
        Target(name, panel, target["expr"], target.get("legendFormat", ""))
        for panel in panels(dashboard)
        for target in panel.get("targets", [])
    ]


def alerts() -> list[dict]:
    """The alerts of alerts.yaml."""
    groups = yaml.safe_load((FOLDER / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alert_tests() -> list[dict]:
    """The tests of alerts_test.yaml."""
    return yaml.safe_load((FOLDER / "alerts_test.yaml").read_text(encoding="utf-8"))["tests"]
