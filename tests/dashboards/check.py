"""Checks dashboards and alerts without running anything: see lint.py and agree.py. First the linter itself: what is wrong has to
be found."""

import copy
import sys
from collections.abc import Callable

import agree
import lint
from files import dashboards, panels


def _first(change: Callable[[dict], None]) -> Callable[[dict], None]:
    return lambda dashboard: change(panels(dashboard)[0])


def _expression(old: str, new: str) -> Callable[[dict], None]:
    def change(dashboard: dict) -> None:
        for panel in panels(dashboard):
            for target in panel["targets"]:
                target["expr"] = target["expr"].replace(old, new)

    return change


def _variable(chosen: str, **keys: object) -> Callable[[dict], None]:
    def change(dashboard: dict) -> None:
        [variable] = [one for one in dashboard["templating"]["list"] if one["name"] == chosen]
        variable.update(keys)

    return change


# For each rule, how it is broken.
BROKEN = {
    "template-datasource-rule": _variable("datasource", name="prometheus"),
    "template-job-rule": _variable("job", multi=False),
    "template-instance-rule": _variable("instance", allValue=".*"),
    "template-label-promql-rule": _variable("job", query={"query": "job"}),
    "template-on-time-change-reload-rule": _variable("job", refresh=1),
    "template-unused-rule": _expression("$instance", "x"),
    "panel-datasource-rule": _first(lambda panel: panel["datasource"].update(uid="prometheus")),
    "panel-title-description-rule": _first(lambda panel: panel.pop("description")),
    "panel-units-rule": _first(lambda panel: panel["fieldConfig"]["defaults"].update(unit="events")),
    "panel-no-targets-rule": _first(lambda panel: panel["targets"].clear()),
    "target-legend-rule": _first(lambda panel: panel["targets"][0].update(legendFormat="")),
    "target-job-rule": _expression('job=~"$job"', 'job="$job"'),
    "target-instance-rule": _expression(', instance=~"$instance"', ""),
    "target-rate-interval-rule": _expression("$__rate_interval", "5m"),
    "target-counter-agg-rule": _expression("increase(", "last_over_time("),
    "target-histogram-rule": _expression("histogram_quantile(0.99, ", "("),
    "uneditable-dashboard-rule": lambda dashboard: dashboard.update(editable=True),
}


def blind_spots() -> list[str]:
    """What the linter does not find although it should."""
    overview = dashboards()["overview.json"]
    missed = [f"nothing shows that {rule} is checked" for rule in lint.RULES if rule not in BROKEN]
    for rule, change in BROKEN.items():
        broken = copy.deepcopy(overview)
        change(broken)
        if not any(mistake.endswith(f"({rule})") for mistake in lint.mistakes("overview.json", broken)):
            missed.append(f"{rule} finds nothing wrong where something is")
    return missed


def main() -> int:
    wrong = blind_spots()
    wrong += [mistake for name, dashboard in dashboards().items() for mistake in lint.mistakes(name, dashboard)]
    wrong += agree.mistakes()
    for mistake in wrong:
        print(mistake, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
