"""Asks a real Prometheus, which scrapes the running demo, for every expression of every panel and alert.

Each has to give numbers, or to stand in EMPTY with the reason why it rightly gives none; and what stands there has to give
none. No alert fires. `promtool check metrics` has nothing to say about what is scraped.

    ask.py FOLDER-OF-PROMETHEUS DEMO
"""

import json
import math
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from files import FOLDER, alerts, dashboards, selectors, targets

# What gives nothing before the demo, by what begins the name of a metric or stands in the expression, and why.
EMPTY = {
    "tripline_kafka_": "the demo has no source that reads Kafka",
    "tripline_http_": "the demo has no HTTP source",
    "tripline_registry_": "the demo has no schema registry",
    "tripline_engine_behind_limit_seconds": "the demo sets no `limits.behind`",
    "tripline_engine_held_limit_bytes": "the demo sets no `state.memory`",
}
# So much traffic, which takes some seconds; enough for every rule to find what is planted.
TRAFFIC = ["--events", "40000", "--rate", "2500"]
# How long anything may take before it counts as hanging.
PATIENCE = 60
T = TypeVar("T")
# What Grafana puts in: four times as long as the distance of two scrapes, and all values.
VALUES = {"$__rate_interval": "4s", "$__range": "1m", "$job": "tripline"}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def get(url: str, **query: str) -> str:
    asked = f"{url}?{urllib.parse.urlencode(query)}" if query else url
    try:
        with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{asked}: {error.code} {error.read().decode()}") from error


def until(what: str, look: Callable[[], T | None]) -> T:
    """What `look` finds, as soon as it finds something."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.1)
    raise RuntimeError(f"waited {PATIENCE} s in vain: {what}")


class Demo:
    """The demo, and where its service can be asked."""

    def __init__(self, program: str, folder: Path) -> None:
        self.log = folder / "demo.log"
        arguments = [program, *TRAFFIC, "--port", "0", "--keep"]
        with self.log.open("w", encoding="utf-8") as log:
            # In a session and a folder of its own, so that what it has begun can be ended together with it.
            own = {"start_new_session": True, "env": {**os.environ, "TMPDIR": str(folder)}}
            self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, **own)
        self.address = ""

    def starts(self) -> None:
        """Waits until its service answers."""
        self.address = self.wait_for(r"and its metrics: http://(\S+)/metrics").group(1)
        until("the service answers", self.answers)

    def wait_for(self, pattern: str) -> re.Match:
        def look() -> re.Match | None:
            said = self.log.read_text(encoding="utf-8")
            if self.process.poll() is not None:
                raise RuntimeError(f"the demo has ended:\n{said}")
            return re.search(pattern, said)

        return until(f"the demo says {pattern}", look)

    def answers(self) -> bool:
        try:
            return "tripline_ready 1" in get(f"http://{self.address}/metrics")
        except OSError:
            return False

    def end(self) -> None:
        """Lets it end, which it does well only if everything that was planted was found."""
        self.process.stdin.close()
        if self.process.wait(PATIENCE) != 0:
            raise RuntimeError(f"the demo has failed:\n{self.log.read_text(encoding='utf-8')}")

    def kill(self) -> None:
        """Leaves nothing of it behind."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait()


class Prometheus:
    """A Prometheus that scrapes an address each second."""

    def __init__(self, programs: Path, folder: Path, scraped: str) -> None:
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(FOLDER / "alerts.yaml")],
            "scrape_configs": [{"job_name": "tripline", "static_configs": [{"targets": [scraped]}]}],
        }
        # JSON is YAML as well.
        (folder / "prometheus.yml").write_text(json.dumps(config), encoding="utf-8")
        address = f"127.0.0.1:{free_port()}"
        self.url, self.begun = f"http://{address}/api/v1", time.time()
        self.log = folder / "prometheus.log"
        arguments = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data", "--log.level=warn"]
        with self.log.open("w", encoding="utf-8") as log:
            program = [str(programs / "prometheus"), *arguments, f"--web.listen-address={address}"]
            self.process = subprocess.Popen(program, stdout=log, stderr=subprocess.STDOUT)

    def answers(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"Prometheus has ended:\n{self.log.read_text(encoding='utf-8')}")
        try:
            return bool(get(f"{self.url}/status/buildinfo"))
        except (OSError, RuntimeError):
            # Nobody is there yet, or it says that it is not ready.
            return False

    def kill(self) -> None:
        """Leaves nothing of it behind."""
        self.process.kill()
        self.process.wait()

    def asked(self, path: str, **query: str) -> list | dict:
        return json.loads(get(f"{self.url}/{path}", **query))["data"]

    def has_numbers(self, expression: str) -> bool:
        """Whether an expression has given a number at any time since the beginning."""
        times = {"start": str(self.begun), "end": str(time.time()), "step": "1"}
        found = self.asked("query_range", query=expression, **times)["result"]
        return any(not math.isnan(float(value)) for series in found for _, value in series["values"])


def filled(expression: str) -> str:
    """The expression as Grafana asks it when nothing was chosen."""
    for name, value in VALUES.items():
        expression = expression.replace(name, value)
    return re.sub(r"\$[a-z]+", ".+", expression)


def expressions() -> Iterator[tuple[str, str]]:
    """Everything that has to give numbers, with where it stands. Of alerts that is every metric in them: while all is well
    an alert gives nothing."""
    for name, dashboard in dashboards().items():
        for target in targets(name, dashboard):
            yield f"{name}, {target.panel['title']!r}", filled(target.expression)
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                [selector] = selectors(variable["query"]["query"])
                yield f"{name}, variable `{variable['name']}`", selector.metric
    for alert in alerts():
        for selector in selectors(alert["expr"]):
            matchers = ", ".join(f'{label}{how}"{value}"' for label, how, value in selector.matchers)
            yield alert["alert"], f"{selector.metric}{{{matchers}}}"


def gaps(prometheus: Prometheus) -> Iterator[str]:
    """What gives nothing although it should, or something although it should not."""
    said = set()
    for where, expression in expressions():
        reasons = {begin for begin in EMPTY if re.search(rf"\b{begin}", expression)}
        said |= reasons
        if prometheus.has_numbers(expression) == bool(reasons):
            why = "gives numbers, and is expected to give none" if reasons else "gives no numbers"
            yield f"{where}: {why}: {expression}"
    yield from (f"nothing asks for `{begin}`: take it out of EMPTY" for begin in EMPTY.keys() - said)


def alarms(prometheus: Prometheus) -> Iterator[str]:
    """Alerts that cannot be decided, or fire."""
    for group in prometheus.asked("rules")["groups"]:
        for rule in group["rules"]:
            if rule["health"] != "ok":
                yield f"{rule['name']} cannot be decided: {rule['health']}, {rule.get('lastError')}"
            if rule["state"] == "firing":
                yield f"{rule['name']} fires before the demo: {rule['alerts']}"


def complaints(programs: Path, metrics: str) -> Iterator[str]:
    """What promtool says about the metrics themselves."""
    checked = subprocess.run(
        [str(programs / "promtool"), "check", "metrics"], input=metrics, text=True, capture_output=True, check=False
    )
    if checked.returncode != 0 or checked.stdout or checked.stderr:
        yield f"promtool check metrics: {checked.stdout}{checked.stderr}"


def watched(programs: Path, program: str, folder: Path) -> list[str]:
    """What is wrong when the demo runs and is watched."""
    demo, prometheus = Demo(program, folder), None
    try:
        demo.starts()
        # Somebody who looks on.
        with urllib.request.urlopen(f"http://{demo.address}/v1/alerts/stream", timeout=PATIENCE):
            prometheus = Prometheus(programs, folder, demo.address)
            until("Prometheus answers", prometheus.answers)
            demo.wait_for("The service runs on")
            scrapes = "count_over_time(up[10m])"
            until("enough was scraped", lambda: int(prometheus.asked("query", query=scrapes)["result"][0]["value"][1]) > 10)
            wrong = [*gaps(prometheus), *alarms(prometheus)]
        wrong += complaints(programs, get(f"http://{demo.address}/metrics"))
        demo.end()
        return wrong
    finally:
        demo.kill()
        if prometheus:
            prometheus.kill()


def main() -> int:
    programs, program = Path(sys.argv[1]), sys.argv[2]
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        wrong = watched(programs, program, Path(folder))
    for mistake in wrong:
        print(mistake, file=sys.stderr)
    asked = sum(1 for _ in expressions())
    print(f"{asked} expressions were asked of a real Prometheus, which took {time.monotonic() - begun:.0f} s.")
    for begin, reason in EMPTY.items():
        print(f"  {begin}* rightly gives nothing: {reason}.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
