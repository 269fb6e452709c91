"""Whether what is packaged fits together: images, compose.yaml, manifests, configurations, the unit.

Schemas and linters are asked by scripts/check-packaging; here is what they cannot know. Each check yields mistakes, as
sentences.
"""

import filecmp
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
BASE = PACKAGING / "kubernetes" / "base"
EXAMPLE = PACKAGING / "kubernetes" / "overlays" / "example"
# Where the service finds its files, wherever it runs.
ETC = "/etc/tripline"


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def load(path: Path) -> dict:
    return yaml.safe_load(read(path))


MANIFEST = tomllib.loads(read(ROOT / "Cargo.toml"))["package"]
COMPOSE = load(ROOT / "compose.yaml")
DOCKERFILE = read(ROOT / "Dockerfile")
UNIT = read(PACKAGING / "systemd" / "tripline.service")
STATEFUL_SET = load(BASE / "stateful-set.yaml")
POD = STATEFUL_SET["spec"]["template"]["spec"]


def versions() -> Iterator[str]:
    """What names a version names the same one."""
    version = MANIFEST["version"]
    texts = [ROOT / "Dockerfile", ROOT / "compose.yaml", ROOT / "docs" / "operating.md"]
    for path in texts:
        for tag in re.findall(r"\btripline(?:-demo)?:(\d+\.\d+\.\d+)", read(path)):
            if tag != version:
                yield f"{path.name} has version {tag}, and Cargo.toml {version}"
    for path in [BASE, EXAMPLE]:
        for image in load(path / "kustomization.yaml")["images"]:
            if image["newTag"] != version:
                yield f"{path.name}/kustomization.yaml has version {image['newTag']}, and Cargo.toml {version}"
    if f"FROM rust:{MANIFEST['rust-version']}-" not in DOCKERFILE:
        yield f"Dockerfile is not built with Rust {MANIFEST['rust-version']}, as Cargo.toml says"
    kafka = re.search(r"kafka_2.13</artifactId>\s*<version>([^<]+)", read(ROOT / "tests" / "kafka" / "pom.xml")).group(1)
    if COMPOSE["services"]["kafka"]["image"] != f"apache/kafka:{kafka}":
        yield f"compose.yaml has another Kafka than {kafka}, with which the tests run"


def context() -> Iterator[str]:
    """Nothing that the program is made of is left out of what images are built from."""
    lines = read(ROOT / ".dockerignore").splitlines()
    ignored = [line for line in lines if line and not line.startswith("#")]
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    needed = ("Cargo.", ".cargo/", "src/", "examples/", "scripts/", "web/dist/", "docs/errors.md", "LICENSE")
    for file in filter(lambda file: file.startswith(needed), tracked.splitlines()):
        path = Path(file)
        for pattern in ignored:
            # A pattern begins at the top, and what it names is left out as a whole.
            if any(fnmatchcase(str(part), pattern) for part in [path, *path.parents]):
                yield f".dockerignore: `{pattern}` leaves out {file}"


def containers() -> Iterator[str]:
    """Containers of compose.yaml are for this machine alone, and may do little."""
    for name, service in COMPOSE["services"].items():
        for port in service.get("ports", []):
            if not port.startswith("127.0.0.1:"):
                yield f"compose.yaml: `{name}` is open to other machines at {port}"
        if "no-new-privileges:true" not in service.get("security_opt", []):
            yield f"compose.yaml: `{name}` may get new privileges"
        # Its scripts write their configuration beside themselves.
        if name != "kafka" and not (service.get("read_only") and service.get("cap_drop") == ["ALL"]):
            yield f"compose.yaml: `{name}` may write to its image or has capabilities"
        for key in service.get("environment", {}):
            if "PASSWORD" in key:
                yield f"compose.yaml: `{name}` has a password in the file"
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./") and not (ROOT / source).exists():
                yield f"compose.yaml: `{name}` wants {source}, which is not there"
        ends = name in ("topics", "tokens")
        own_check = name in ("traffic", "tripline")
        if not ends and not own_check and "healthcheck" not in service:
            yield f"compose.yaml: `{name}` has no health check"
        if not ends and service.get("restart") != "unless-stopped":
            yield f"compose.yaml: `{name}` does not come back"


def topics() -> Iterator[str]:
    """compose.yaml fills a topic for each stream of the example rules, and each is read."""
    streams = {
        name
        for path in (ROOT / "rules").rglob("*.trip")
        for name in re.findall(r"^stream (\w+) (?!from)", read(path), re.MULTILINE)
    }
    config = tomllib.loads(read(PACKAGING / "compose" / "tripline.toml"))
    sources = config["sources"].values()
    if {source["stream"] for source in sources} != streams:
        yield f"packaging/compose/tripline.toml does not read the streams {sorted(streams)}"
    generator = read(ROOT / "examples" / "demo" / "generator.rs")
    filled = set(re.findall(r'^    stream\("(\w+)"', generator, re.MULTILINE))
    if {topic for source in sources for topic in source["topics"]} != filled:
        yield f"packaging/compose/tripline.toml does not read the topics {sorted(filled)}"


def configurations(tripline: Path) -> Iterator[str]:
    """The program takes every configuration that is packaged, with the rules that stand beside it there."""
    template = ROOT / "src" / "cli" / "init" / "template" / "rules"
    packaged = [
        (PACKAGING / "compose" / "tripline.toml", ROOT / "rules"),
        (PACKAGING / "debian" / "tripline.toml", template),
        (BASE / "tripline.toml", BASE / "rules"),
    ]
    for config, rules in packaged:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            (place / "rules").symlink_to(rules)
            (place / "tokens").mkdir()
            (place / "tokens" / "tokens.toml").write_text(read(EXAMPLE / "tokens.toml"))
            (place / "tripline.toml").write_text(read(config).replace(ETC, folder))
            check = [tripline, "check", place / "tripline.toml"]
            checked = subprocess.run(check, capture_output=True, text=True, check=False)
            if checked.returncode != 0 or "warning" in checked.stdout + checked.stderr:
                yield f"{config.relative_to(ROOT)}: {checked.stdout}{checked.stderr}"
    for rule in template.glob("*.trip"):
        if not filecmp.cmp(rule, BASE / "rules" / rule.name, shallow=False):
            yield f"packaging/kubernetes/base/rules/{rule.name} is not that of `tripline init`"


def pod() -> Iterator[str]:
    """The pod is what Kubernetes calls restricted, and its parts fit its configuration."""
    config = tomllib.loads(read(BASE / "tripline.toml"))
    [container] = POD["containers"]
    security, own = POD["securityContext"], container["securityContext"]
    restricted = {
        "runs as somebody": security["runAsNonRoot"] and security["runAsUser"] > 0,
        "has a filter of system calls": security["seccompProfile"] == {"type": "RuntimeDefault"},
        "gets no privileges": own["allowPrivilegeEscalation"] is False,
        "has no capabilities": own["capabilities"] == {"drop": ["ALL"]},
        "cannot write to its image": own["readOnlyRootFilesystem"] is True,
        "has no token of the cluster": POD["automountServiceAccountToken"] is False,
    }
    yield from (f"stateful-set.yaml: it is not so that the pod {what}" for what, so in restricted.items() if not so)
    user = re.findall(r"^USER (\d+):\d+$", DOCKERFILE, re.MULTILINE)
    if set(user) != {str(security["runAsUser"])}:
        yield f"the image runs as {user}, and the pod as {security['runAsUser']}"
    mounts = {mount["name"] for mount in container["volumeMounts"]}
    claims = {claim["metadata"]["name"] for claim in STATEFUL_SET["spec"]["volumeClaimTemplates"]}
    if mounts != claims | {volume["name"] for volume in POD["volumes"]}:
        yield f"stateful-set.yaml: not all volumes are mounted: {mounts}"
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    listens = {"api": config["api"]["listen"], "events": config["sources"]["web"]["listen"]}
    for name, address in listens.items():
        if address != f"0.0.0.0:{ports[name]}":
            yield f"stateful-set.yaml: `{name}` is {ports[name]}, and the service listens at {address}"
    generated = {
        file for entry in load(BASE / "kustomization.yaml")["configMapGenerator"] for file in entry["files"]
    }
    there = {str(path.relative_to(BASE)) for path in [BASE / "tripline.toml", *BASE.glob("rules/*.trip")]}
    if generated != there:
        yield f"base/kustomization.yaml has {sorted(generated)}, and there are {sorted(there)}"


def health() -> Iterator[str]:
    """Whoever asks how the service is looks where its state is."""
    state = tomllib.loads(read(PACKAGING / "compose" / "tripline.toml"))["state"]["path"]
    asked = re.search(r'CMD \["/usr/bin/tripline", "health", "--state", "([^"]+)"\]', DOCKERFILE)
    places = {"Dockerfile": asked and asked.group(1)}
    [container] = POD["containers"]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        places[probe] = container[probe]["exec"]["command"][-1]
    for config in [PACKAGING / "debian" / "tripline.toml", BASE / "tripline.toml"]:
        places[str(config.relative_to(ROOT))] = tomllib.loads(read(config))["state"]["path"]
    yield from (f"{where}: the state is at {state}, and not {place}" for where, place in places.items() if place != state)


def stopping() -> Iterator[str]:
    """Everybody gives the service more time to stop than it takes by default."""
    default = re.search(r"`shutdown_timeout` \|[^|]*\| `\"(\d+)s\"`", read(ROOT / "docs" / "configuration.md"))
    least = int(default.group(1)) + 30
    given = {
        "tripline.service": int(re.search(r"^TimeoutStopSec=(\d+)s$", UNIT, re.MULTILINE).group(1)),
        "compose.yaml": int(COMPOSE["services"]["tripline"]["stop_grace_period"].removesuffix("s")),
        "stateful-set.yaml": POD["terminationGracePeriodSeconds"],
    }
    yield from (f"{who} gives {time} s to stop, and not {least}" for who, time in given.items() if time < least)


def main() -> int:
    tripline = Path(sys.argv[1])
    checks = [versions(), context(), containers(), topics(), configurations(tripline), pod(), health(), stopping()]
    mistakes = [mistake for check in checks for mistake in check]
    for mistake in mistakes:
        print(mistake, file=sys.stderr)
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
