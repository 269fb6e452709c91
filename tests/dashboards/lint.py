"""The rules of Grafana's dashboard linter.

The linter itself (github.com/grafana/dashboard-linter) is a program in Go that cannot be had everywhere; these are its rules,
under its names, written anew. Whether an expression is right PromQL (target-promql-rule) is asked of a real Prometheus, by
ask.py. Each rule yields mistakes, as sentences.
"""

from collections.abc import Iterator

from files import panels, selectors, targets

# Those of the linter's units that make sense here.
UNITS = {
    *("none", "short", "percent", "percentunit", "bytes", "decbytes", "Bps", "binBps"),
    *("s", "ms", "dtdurations", "dateTimeFromNow", "dateTimeAsIso", "cps", "ops", "reqps", "bool", "bool_yes_no"),
}
SHOWN = {"stat", "gauge", "bargauge", "table", "timeseries", "state-timeline"}
DATASOURCE = {"$datasource", "${datasource}"}


def mistakes(name: str, dashboard: dict) -> Iterator[str]:
    """What is wrong with a dashboard, each with the rule that says so."""
    for rule, check in RULES.items():
        for mistake in check(dashboard):
            yield f"{name}: {mistake} ({rule})"


def _variables(dashboard: dict) -> dict[str, dict]:
    return {variable["name"]: variable for variable in dashboard["templating"]["list"]}


def _datasource(dashboard: dict) -> Iterator[str]:
    found = [variable for variable in dashboard["templating"]["list"] if variable["type"] == "datasource"]
    if [variable["name"] for variable in found] != ["datasource"]:
        yield "there has to be one variable for the data source, `datasource`"
    for variable in found:
        if variable.get("label") != "Data source" or variable.get("query") != "prometheus":
            yield "the variable for the data source is labelled `Data source`, and is a Prometheus"


def _template(label: str):
    def check(dashboard: dict) -> Iterator[str]:
        variable = _variables(dashboard).get(label)
        if variable is None:
            yield f"there is no variable `{label}`"
            return
        wanted = {"type": "query", "label": label.capitalize(), "multi": True, "includeAll": True, "allValue": ".+"}
        for key, value in wanted.items():
            if variable.get(key) != value:
                yield f"the variable `{label}` has `{key}` {variable.get(key)!r}, not {value!r}"
        if variable["datasource"]["uid"] not in DATASOURCE:
            yield f"the variable `{label}` does not use the data source that is chosen"

    return check


def _label_queries(dashboard: dict) -> Iterator[str]:
    for variable in _variables(dashboard).values():
        if variable["type"] != "query":
            continue
        query = variable["query"]["query"]
        if not query.startswith("label_values(") or not query.endswith(f", {variable['name']})") or len(selectors(query)) != 1:
            yield f"the variable `{variable['name']}` does not ask for the values of that label of a metric: {query}"


def _reload(dashboard: dict) -> Iterator[str]:
    for variable in _variables(dashboard).values():
        if variable["type"] == "query" and variable.get("refresh") != 2:
            yield f"the variable `{variable['name']}` is not asked again when the range of time changes"


def _unused(dashboard: dict) -> Iterator[str]:
    expressions = " ".join(target.expression for target in targets("", dashboard))
    for variable in _variables(dashboard).values():
        if variable["type"] == "query" and f"${variable['name']}" not in expressions:
            yield f"the variable `{variable['name']}` is not used"


def _panel_datasource(dashboard: dict) -> Iterator[str]:
    for panel in panels(dashboard):
        used = [panel, *panel.get("targets", [])]
        if any(part.get("datasource", {}).get("uid") not in DATASOURCE for part in used):
            yield f"{panel['title']!r} does not use the data source that is chosen"


def _words(dashboard: dict) -> Iterator[str]:
    if not dashboard.get("title") or not dashboard.get("description"):
        yield "it has no title or description"
    for panel in panels(dashboard):
        if not panel.get("title") or not panel.get("description"):
            yield f"panel {panel['id']} ({panel.get('title')!r}) has no title or description"
        if panel["type"] not in SHOWN:
            yield f"{panel['title']!r} is a {panel['type']}, for which there are no rules here"


def _units(dashboard: dict) -> Iterator[str]:
    for panel in panels(dashboard):
        unit = panel["fieldConfig"]["defaults"].get("unit")
        if unit not in UNITS:
            yield f"{panel['title']!r} has the unit {unit!r}"


def _targets(dashboard: dict) -> Iterator[str]:
    for panel in panels(dashboard):
        if not panel.get("targets"):
            yield f"{panel['title']!r} shows nothing"


def _legends(dashboard: dict) -> Iterator[str]:
    for target in targets("", dashboard):
        if not target.legend:
            yield f"a line of {target.panel['title']!r} has no name: {target.expression}"


def _matcher(label: str):
    def check(dashboard: dict) -> Iterator[str]:
        for target in targets("", dashboard):
            found = selectors(target.expression)
            if not found:
                yield f"there is no metric in an expression of {target.panel['title']!r}: {target.expression}"
            for selector in found:
                if (label, "=~", f"${label}") not in selector.matchers:
                    yield f"`{selector.metric}` in {target.panel['title']!r} is not chosen by `{label}`"

    return check


def _rate_interval(dashboard: dict) -> Iterator[str]:
    for target in targets("", dashboard):
        for selector in selectors(target.expression):
            if selector.function in ("rate", "irate") and selector.range != "$__rate_interval":
                yield f"`{selector.metric}` in {target.panel['title']!r} is not over `$__rate_interval`"
            if selector.range and not selector.function:
                yield f"`{selector.metric}` in {target.panel['title']!r} has a range, and no function"


def _counters(dashboard: dict) -> Iterator[str]:
    for target in targets("", dashboard):
        for selector in selectors(target.expression):
            if selector.metric.endswith("_total") and selector.function not in ("rate", "irate", "increase"):
                yield f"`{selector.metric}` in {target.panel['title']!r} only grows, and is shown as it is"


def _histograms(dashboard: dict) -> Iterator[str]:
    for target in targets("", dashboard):
        for selector in selectors(target.expression):
            if selector.metric.endswith("_bucket") and "histogram_quantile(" not in target.expression:
                yield f"`{selector.metric}` in {target.panel['title']!r} is not made into a quantile"


def _uneditable(dashboard: dict) -> Iterator[str]:
    if dashboard.get("editable") is not False:
        yield "it can be edited in Grafana, where changes would be lost"


RULES = {
    "template-datasource-rule": _datasource,
    "template-job-rule": _template("job"),
    "template-instance-rule": _template("instance"),
    "template-label-promql-rule": _label_queries,
    "template-on-time-change-reload-rule": _reload,
    "template-unused-rule": _unused,
    "panel-datasource-rule": _panel_datasource,
    "panel-title-description-rule": _words,
    "panel-units-rule": _units,
    "panel-no-targets-rule": _targets,
    "target-legend-rule": _legends,
    "target-job-rule": _matcher("job"),
    "target-instance-rule": _matcher("instance"),
    "target-rate-interval-rule": _rate_interval,
    "target-counter-agg-rule": _counters,
    "target-histogram-rule": _histograms,
    "uneditable-dashboard-rule": _uneditable,
}
