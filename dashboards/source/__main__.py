"""Writes the dashboards of this folder as Grafana reads them, beside it: `python dashboards/source`.

With `--check` nothing is written, and it fails when a file is not what would be written.
"""

import json
import sys
from pathlib import Path

import delivery
import overview
import rules
import sources
import store
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from parts import built

FOLDER = Path(__file__).resolve().parents[1]
ALL = {
    "overview": overview.DASHBOARD,
    "rules": rules.DASHBOARD,
    "sources": sources.DASHBOARD,
    "delivery": delivery.DASHBOARD,
    "store": store.DASHBOARD,
}


def main() -> int:
    stale = []
    for name, dashboard in ALL.items():
        path = FOLDER / f"{name}.json"
        text = json.dumps(built(dashboard), cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        if "--check" not in sys.argv[1:]:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path.name)
    stale += [path.name for path in FOLDER.glob("*.json") if path.stem not in ALL]
    for name in stale:
        print(f"dashboards/{name} is not what dashboards/source says: scripts/build-dashboards writes it", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
