"""Starts the program on the example rules, has it find and lose things, and asks it by its own description of its API.

Usage: fuzz.py PROGRAM [OPTIONS OF SCHEMATHESIS …]. The seed is that of TRIPLINE_SEED, or 1. Ends with 1 when something was
answered that must not be, or the service has failed. It wants a token, so that it is also asked without one and with wrong ones.
"""

import base64
import contextlib
import http.server
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import jsonschema_rs
import requests

HERE = pathlib.Path(__file__).parent
RULES = HERE.parent.parent / "rules"
PATIENCE = 30
SINKS = ["fraud_desk", "security_desk", "operations", "audit"]
# These let the service begin anew, and who asks meanwhile is told to come back; so they have a round of their own.
RENEWING = ["service_reload", "rules_set_mode"]
# In how many ways each operation is asked, by chance; more are made of the description itself.
EXAMPLES = 25
EXAMPLES_RENEWING = 6


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes what one sink sends, is down for another, and wants nothing more of the third."""

    ANSWERS = {"/audit": 503, "/security_desk": 410}

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(self.ANSWERS.get(self.path, 200))
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def free_ports(count):
    """Ports that nobody has, and that are not the same."""
    with contextlib.ExitStack() as held:
        listeners = [held.enter_context(socket.socket()) for _ in range(count)]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in listeners]


def configuration(api, cards, receiver):
    sinks = "".join(
        f"""
[sinks.{name}]
type = "webhook"
url = "http://127.0.0.1:{receiver}/{name}"
backoff = "10ms"
max_pause = "100ms"
{"give_up_after = '50ms'" if name == "audit" else ""}
"""
        for name in SINKS
    )
    return f"""rules = '{RULES}'

[api]
listen = "127.0.0.1:{api}"
tokens = "tokens.toml"

[api.limits]
rate = "1000000/s"

[state]
path = "state"

[sources.card_auths]
type = "tcp"
stream = "card_auths"
listen = "127.0.0.1:{cards}"
{sinks}"""


def attacks(count):
    """Cards that are tried out with small charges, then a large one; one that stays in the middle; a record that is no event."""
    now = 1_772_438_400_000
    for number in range(count):
        card = f"card-{number}"
        for name, amount in [(card, 0.5), (card, 1), (card, 1.5), (card, 899), ("card-x", 1)]:
            now += 60_000
            yield {
                "id": f"{name}-{now}", "card": name, "merchant": "phones.example", "amount": amount, "currency": "EUR",
                "approved": True, "entry": "online", "client": {"device": {"id": "d-17"}}, "at": now,
            }  # fmt: skip
        yield {"card": card}


def until(what, ask):
    """Waits for something that will be so."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with contextlib.suppress(requests.RequestException, OSError):
            if ask():
                return
        time.sleep(0.05)
    raise SystemExit(f"{what}: that did not come about within {PATIENCE} s")


class Service:
    """The program, as it runs in a folder of its own."""

    def __init__(self, program, folder, receiver):
        self.port, cards = free_ports(2)
        (folder / "tripline.toml").write_text(configuration(self.port, cards, receiver))
        self.log = folder / "log"
        made = [program, "token", "new", "--name", "fuzz", "--role", "admin", "--file", folder / "tokens.toml"]
        self.token = subprocess.run(made, check=True, capture_output=True, text=True).stdout.strip()
        with self.log.open("w") as log:
            command = [program, "run", "--config", "tripline.toml"]
            self.process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        self.url = f"http://127.0.0.1:{self.port}"
        try:
            self.feed(cards)
        except BaseException:
            self.process.kill()
            print(self.log.read_text(errors="replace")[-8_000:], file=sys.stderr)
            raise

    def feed(self, cards):
        """Gives it something to be asked for."""
        until("the service takes events", lambda: self.get("/readyz").ok)
        with socket.create_connection(("127.0.0.1", cards)) as sender:
            for event in attacks(20):
                sender.sendall(json.dumps(event).encode() + b"\n")
        until("there are alerts", lambda: len(self.get("/v1/alerts").json()["alerts"]) >= 20)
        until("some are given up", lambda: self.get("/v1/overview").json()["totals"]["dead_letters"] > 0)

    def get(self, path):
        return requests.get(self.url + path, headers={"Authorization": f"Bearer {self.token}"}, timeout=PATIENCE)

    def stop(self):
        """Gives what is wrong with how it has lived and ended."""
        wrongs = []
        if self.process.poll() is not None:
            wrongs.append(f"the service has ended by itself with {self.process.returncode}")
        else:
            with contextlib.suppress(requests.RequestException):
                health = self.get("/livez").text
                if json.loads(health)["status"] != "ok":
                    wrongs.append(f"/livez says {health}")
            self.process.send_signal(signal.SIGTERM)
            if self.process.wait(PATIENCE) != 0:
                wrongs.append(f"the service has stopped with {self.process.returncode}")
        lines = self.log.read_text(errors="replace").splitlines()
        return wrongs + [line for line in lines if "panicked" in line]


def ask(service, seed, chosen, examples, allowed, options):
    """Asks by the description. Gives whether all was right."""
    config = pathlib.Path(os.environ["TMPDIR"], "schemathesis.toml")
    text = (HERE / "schemathesis.toml").read_text()
    if allowed:
        text += f"\n[checks]\nnot_a_server_error.expected-statuses = {json.dumps(allowed)}\n"
    config.write_text(text)
    command = [
        pathlib.Path(sys.executable).parent / "schemathesis", "--config-file", config, "run", f"{service.url}/v1/openapi.json",
        "--seed", str(seed), "--max-examples", str(examples), *chosen, *options,
    ]  # fmt: skip
    environment = {
        **os.environ, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE),
        "TRIPLINE_API": service.url, "TRIPLINE_TOKEN": service.token,
    }  # fmt: skip
    return subprocess.run(command, env=environment, cwd=os.environ["TMPDIR"], check=False).returncode == 0


def talk(service):
    """Speaks WebSocket, and holds the first message against the description."""
    key = base64.b64encode(bytes(16)).decode()
    with socket.create_connection(("127.0.0.1", service.port), timeout=PATIENCE) as connection:
        head = (
            f"GET /v1/alerts/ws?after=0 HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nAuthorization: Bearer {service.token}\r\n\r\n"
        )
        connection.sendall(head.encode())
        stream = connection.makefile("rb")
        status = stream.readline().decode()
        if " 101 " not in status:
            return f"a WebSocket is wanted, and answered is {status}"
        while stream.readline().strip():
            pass
        while True:
            kind, size = stream.read(2)
            if size == 126:
                size = int.from_bytes(stream.read(2))
            message = stream.read(size)
            # The other one is a ping.
            if kind == 0x81:
                break
    document = service.get("/v1/openapi.json").json()
    schema = {"$ref": "#/components/schemas/Told", "components": document["components"]}
    errors = jsonschema_rs.Draft202012Validator(schema).iter_errors(json.loads(message))
    return next((f"a message over a WebSocket at {error.instance_path}: {error.message}" for error in errors), None)


def main(program, options):
    seed = int(os.environ.get("TRIPLINE_SEED", "1"))
    print(f"The seed is {seed}; TRIPLINE_SEED={seed} scripts/fuzz-api asks the same again.", flush=True)
    receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="tripline-api-") as folder:
        os.environ["TMPDIR"] = folder
        service = Service(pathlib.Path(program).resolve(), pathlib.Path(folder), receiver.server_port)
        wrongs = []
        try:
            wrong = talk(service)
            wrongs += [wrong] if wrong else []
            others = [part for name in RENEWING for part in ("--exclude-operation-id", name)]
            renewing = [part for name in RENEWING for part in ("--include-operation-id", name)]
            if not ask(service, seed, others, EXAMPLES, [], options):
                wrongs.append("something was answered that must not be: see above")
            if not ask(service, seed, renewing, EXAMPLES_RENEWING, ["2xx", "3xx", "4xx", 503], options):
                wrongs.append("while the service begins anew, something was answered that must not be: see above")
            until("the service takes events again", lambda: service.get("/readyz").ok)
        finally:
            wrongs += service.stop()
    for wrong in wrongs:
        print(f"WRONG: {wrong}", file=sys.stderr)
    return 1 if wrongs else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
