"""Whether dashboards, alerts and the catalogue of metrics agree, both ways."""

import re
from collections.abc import Iterator

from files import OF_PROMETHEUS, alert_tests, alerts, catalogue, dashboards, grouped_by, panels, scraped, selectors, targets

CATALOGUE = catalogue()
SCRAPED = scraped(CATALOGUE)
# Units of panels in which metrics of a unit may be shown.
SHOWN_IN = {"seconds": {"s", "dateTimeFromNow"}, "bytes": {"bytes", "Bps", "percentunit"}}
# `rate` of the time that processors worked is how many processors.
COUNTED = {"process_cpu_seconds_total"}


def mistakes() -> Iterator[str]:
    """Everything that does not agree."""
    yield from unknown_metrics()
    yield from unused_metrics()
    yield from units()
    yield from words_of_alerts()
    yield from tests_of_alerts()
    yield from places()


def _expressions() -> Iterator[tuple[str, str, str]]:
    """All expressions, with where they stand, and what is said with their labels."""
    for name, dashboard in dashboards().items():
        for target in targets(name, dashboard):
            yield f"{name}, {target.panel['title']!r}", target.expression, target.legend
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                yield f"{name}, variable `{variable['name']}`", variable["query"]["query"], ""
    for alert in alerts():
        yield alert["alert"], alert["expr"], " ".join(alert["annotations"].values())
        for queried in re.findall(r'printf "(tripline_[^{]+\{(?:[^}]+)\})', alert["annotations"]["description"]):
            yield f"{alert['alert']}, in words", queried.replace("%q", '"x"'), ""
    for test in alert_tests():
        for series in test["input_series"]:
            yield f"alerts_test.yaml, {test['name']}", series["series"], ""


def unknown_metrics() -> Iterator[str]:
    """Every metric and label that is named exists."""
    for where, expression, words in _expressions():
        known = set()
        for selector in selectors(expression):
            if selector.metric in OF_PROMETHEUS:
                labels, values = OF_PROMETHEUS[selector.metric], {}
            elif selector.metric in SCRAPED:
                metric, labels = SCRAPED[selector.metric]
                values = metric.labels
            else:
                yield f"{where}: there is no metric `{selector.metric}` in docs/metrics.md"
                continue
            known |= labels
            for label, how, value in selector.matchers:
                if label not in labels:
                    yield f"{where}: `{selector.metric}` has no label `{label}`"
                elif how == "=" and values.get(label) and value not in values[label]:
                    yield f"{where}: `{label}` of `{selector.metric}` is never {value!r}"
        # A job that is not about Tripline has what it likes.
        said = set(re.findall(r"\{\{([a-z_]+)\}\}|\$labels\.([a-z_]+)", words))
        said = {label for pair in said for label in pair if label}
        for label in sorted((grouped_by(expression) | said) - known):
            yield f"{where}: nothing in it has a label `{label}`: {expression}"


def unused_metrics() -> Iterator[str]:
    """Every metric is shown by a panel, or makes an alert."""
    used = {selector.metric for _, expression, _ in _expressions() for selector in selectors(expression)}
    for metric in CATALOGUE.values():
        if not any(name in used for name in (metric.name, f"{metric.name}_bucket")):
            yield f"no panel shows `{metric.name}`, and no alert asks for it"


def units() -> Iterator[str]:
    """Seconds are shown as seconds, and bytes as bytes."""
    for name, dashboard in dashboards().items():
        for target in targets(name, dashboard):
            unit = target.panel["fieldConfig"]["defaults"]["unit"]
            for selector in selectors(target.expression):
                metric = SCRAPED.get(selector.metric, (None,))[0]
                if metric and metric.name not in COUNTED:
                    allowed = SHOWN_IN.get(metric.unit)
                    if (allowed and unit not in allowed) or (not allowed and unit in ("s", "bytes", "Bps")):
                        yield f"{name}, {target.panel['title']!r}: {metric.name} is in {metric.unit}, and shown in {unit!r}"


def words_of_alerts() -> Iterator[str]:
    """Every alert says how bad it is, what it means, and where it stands what to do."""
    names = [alert["alert"] for alert in alerts()]
    for twice in {name for name in names if names.count(name) > 1}:
        yield f"{twice} is there twice"
    for alert in alerts():
        name, said = alert["alert"], alert["annotations"]
        if alert["labels"].get("severity") not in ("critical", "warning"):
            yield f"{name} has no severity"
        if said.get("runbook_url") != f"docs/operating.md#{name.lower()}":
            yield f"{name} has the runbook {said.get('runbook_url')}"
        if not all(said.get(word, "").endswith(".") for word in ("summary", "description")):
            yield f"{name} lacks a sentence in `summary` or `description`"


def tests_of_alerts() -> Iterator[str]:
    """A test shows that every alert fires, and that it does not while all is well."""
    fires, quiet = set(), set()
    for test in alert_tests():
        for check in test.get("promql_expr_test", []):
            names = {found for one in check["exp_samples"] for found in re.findall(r'alertname="(\w+)"', one["labels"])}
            fires |= names
            if not names:
                quiet.add(test["name"])
    for alert in alerts():
        for what, found in [("fires", fires), ("does not fire", quiet)]:
            if alert["alert"] not in found:
                yield f"no test in alerts_test.yaml shows that {alert['alert']} {what}"


def places() -> Iterator[str]:
    """Panels have places of their own, and fill their rows."""
    uids = [dashboard["uid"] for dashboard in dashboards().values()]
    if len(set(uids)) != len(uids):
        yield f"two dashboards have one uid: {uids}"
    for name, dashboard in dashboards().items():
        taken = {}
        for panel in panels(dashboard):
            place = panel["gridPos"]
            cells = [(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])]
            for cell in cells:
                if cell in taken or cell[0] >= 24:
                    yield f"{name}: {panel['title']!r} stands where {taken.get(cell, 'nothing can')} stands"
                    break
            taken |= dict.fromkeys(cells, panel["title"])
        titles = [panel["title"] for panel in panels(dashboard)]
        for twice in {title for title in titles if titles.count(title) > 1}:
            yield f"{name}: there are two panels {twice!r}"


