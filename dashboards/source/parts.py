"""What dashboards are made of: panels, variables, and how they stand on the page.

A dashboard says what it shows; how that looks is decided here, once for all of them. In an expression a metric is written as
`tripline_source_late_total` or with the labels that are special to it; the variables at the top of the dashboard are put in
by `selected`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from grafana_foundation_sdk.builders import bargauge, common, dashboard, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import common as common_model
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import prometheus as prometheus_model

SOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
# The width of the page, in columns.
PAGE = 24
TAG = "tripline"

# Units of Grafana.
COUNT = "short"
PER_SECOND = "cps"
SECONDS = "s"
BYTES = "bytes"
BYTES_PER_SECOND = "Bps"
SHARE = "percentunit"
TIME = "dateTimeFromNow"

GREEN, YELLOW, RED, BLUE = "green", "orange", "red", "blue"


@dataclass(frozen=True)
class Query:
    """An expression, and what each of its lines is called."""

    expression: str
    name: str


@dataclass(frozen=True)
class Variable:
    """Something that can be chosen at the top of a dashboard: a label, by the metric that has all its values; and how the names of
    metrics go on after `tripline_` that have it."""

    label: str
    metric: str
    families: tuple[str, ...] = ()


@dataclass
class Dashboard:
    """A dashboard: rows of panels, each with its title."""

    uid: str
    title: str
    about: str
    rows: list[tuple[str, list]]
    variables: list[Variable] = field(default_factory=list)


def selected(expression: str, variables: Iterable[Variable]) -> str:
    """The expression with what was chosen at the top, for each metric that has such a label."""

    def with_matchers(found: re.Match) -> str:
        metric, own = found["metric"], found["own"]
        matchers = ['job=~"$job"', 'instance=~"$instance"']
        for variable in variables:
            if metric.startswith(tuple(f"tripline_{family}_" for family in variable.families)):
                matchers.append(f'{variable.label}=~"${variable.label}"')
        if own:
            matchers.append(own)
        return f"{metric}{{{', '.join(matchers)}}}"

    names = r"(?P<metric>\b(?:(?:tripline|process)_[a-z_]+|ALERTS|up)\b)(?:\{(?P<own>[^}]*)\})?"
    return re.sub(names, with_matchers, expression)


def lines(title: str, about: str, unit: str, *queries: Query, width: int = 12, stacked: bool = False, most: float | None = None):
    """Lines over time."""
    panel = timeseries.Panel().line_width(1).fill_opacity(10).show_points(common_model.VisibilityMode.NEVER).axis_soft_min(0)
    legend = common.VizLegendOptions().show_legend(True).display_mode(common_model.LegendDisplayMode.TABLE)
    panel.legend(legend.placement(common_model.LegendPlacement.BOTTOM).calcs(["lastNotNull", "max"]))
    multi = common.VizTooltipOptions().mode(common_model.TooltipDisplayMode.MULTI)
    panel.tooltip(multi.sort(common_model.SortOrder.DESCENDING))
    if stacked:
        panel.stacking(common.StackingConfig().mode(common_model.StackingMode.NORMAL)).fill_opacity(40)
    if most is not None:
        panel.max(most)
    return _panel(panel, title, about, unit, queries, width, 8)


def number(
    title: str,
    about: str,
    unit: str,
    query: Query,
    *steps: tuple[float, str],
    width: int = 4,
    height: int = 4,
    words: dict | None = None,
):
    """One number, as it is now; green, or in the colour of the last of `steps` that it has reached. `words` stand for numbers."""
    panel = stat.Panel().graph_mode(common_model.BigValueGraphMode.AREA)
    panel.color_mode(common_model.BigValueColorMode.VALUE).reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    if words:
        panel.mappings([_mapping(words)]).graph_mode(common_model.BigValueGraphMode.NONE)
    _thresholds(panel, steps)
    return _panel(panel, title, about, unit, [query], width, height)


def bars(title: str, about: str, unit: str, query: Query, *steps: tuple[float, str], width: int = 12, most: float | None = None):
    """A bar for each, as it is now."""
    panel = bargauge.Panel().orientation(common_model.VizOrientation.HORIZONTAL)
    panel.display_mode(common_model.BarGaugeDisplayMode.BASIC).reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    panel.min(0)
    if most is not None:
        panel.max(most)
    _thresholds(panel, steps)
    return _panel(panel, title, about, unit, [query], width, 8, instant=True)


def states(title: str, about: str, query: Query, words: dict, width: int = 12):
    """A stripe for each, in the colour of the state it was in."""
    panel = statetimeline.Panel().show_value(common_model.VisibilityMode.NEVER).merge_values(True).mappings([_mapping(words)])
    panel.row_height(0.8)
    return _panel(panel, title, about, COUNT, [query], width, 8)


def rows_of(title: str, about: str, query: Query, columns: dict[str, str], width: int = 12):
    """A table of labels: `columns` says which, and what they are called."""
    shown = {"Time": True, "Value": True, "__name__": True, "job": True}
    order = {label: place for place, label in enumerate(columns)}
    organised = {"excludeByName": shown, "renameByName": columns, "indexByName": order}
    panel = table.Panel().with_transformation(model.DataTransformerConfig(id_val="organize", options=organised))
    return _panel(panel, title, about, COUNT, [query], width, 8, instant=True, is_table=True)


def quantiles(metric: str, by: str = "", name: str = "") -> list[Query]:
    """How long it takes mostly, and at worst, of a histogram."""
    labels = f"le, {by}" if by else "le"
    return [
        Query(
            f"histogram_quantile({share}, sum by ({labels}) (rate({metric}_bucket[$__rate_interval])))",
            f"{name} {word}".strip(),
        )
        for share, word in [(0.5, "half"), (0.99, "99 %")]
    ]


def per_second(metric: str, by: str, own: str = "") -> str:
    """How much a counter grows in a second, by labels."""
    matchers = f"{{{own}}}" if own else ""
    return f"sum by ({by}) (rate({metric}{matchers}[$__rate_interval]))"


def _panel(panel, title, about, unit, queries, width, height, instant=False, is_table=False):
    panel.title(title).description(about).unit(unit).datasource(SOURCE).span(width).height(height)
    for place, query in enumerate(queries):
        target = prometheus.Dataquery().expr(query.expression).legend_format(query.name).ref_id(chr(ord("A") + place))
        target.datasource(SOURCE)
        target = target.instant() if instant else target.range()
        if is_table:
            target.format(prometheus_model.PromQueryFormat.TABLE)
        panel.with_target(target)
    return panel


def _thresholds(panel, steps):
    all_steps = [(None, GREEN), *steps]
    thresholds = dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE)
    panel.thresholds(thresholds.steps([model.Threshold(value=value, color=colour) for value, colour in all_steps]))
    panel.color_scheme(dashboard.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))


def _mapping(words: dict[int, tuple[str, str]]):
    results = {
        str(value): model.ValueMappingResult(text=text, color=colour, index=place)
        for place, (value, (text, colour)) in enumerate(words.items())
    }
    return model.ValueMap(options=results)


def _variable(variable: Variable, before: list[Variable]):
    matchers = "".join(f', {other.label}=~"${other.label}"' for other in before)
    chosen = "{" + matchers.removeprefix(", ") + "}" if matchers else ""
    query = f"label_values({variable.metric}{chosen}, {variable.label})"
    made = dashboard.QueryVariable(variable.label).label(variable.label.capitalize()).datasource(SOURCE)
    made.query({"query": query, "refId": variable.label, "qryType": 1}).refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
    made.sort(model.VariableSort.ALPHABETICAL_ASC).multi(True).include_all(True).all_value(".+")
    return made.current(model.VariableOption(selected=True, text="All", value="$__all"))


def built(wanted: Dashboard) -> model.Dashboard:
    """The dashboard as Grafana reads it."""
    made = dashboard.Dashboard(wanted.title).uid(wanted.uid).description(wanted.about).tags([TAG]).readonly()
    made.time("now-1h", "now").refresh("30s").timezone("browser").tooltip(model.DashboardCursorSync.CROSSHAIR)
    others = dashboard.DashboardLink("Tripline").type(model.DashboardLinkType.DASHBOARDS).tags([TAG])
    made.link(others.as_dropdown(False).keep_time(True).include_vars(True))
    made.with_variable(
        dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"),
    )
    chosen: list[Variable] = []
    for variable in [Variable("job", "tripline_build_info"), Variable("instance", "tripline_build_info"), *wanted.variables]:
        made.with_variable(_variable(variable, chosen))
        chosen.append(variable)
    for title, panels in wanted.rows:
        made.with_row(dashboard.Row(title))
        for panel in panels:
            made.with_panel(panel)
    whole = made.build()
    for place, panel in enumerate(whole.panels or []):
        panel.id_val = place + 1
        for target in getattr(panel, "targets", None) or []:
            target.expr = selected(target.expr, wanted.variables)
    return whole
