"""Checks docs/coming-from.md with the languages that it compares.

Takes the snippets and the `compare` blocks from the page, compiles every snippet, runs those that a block
names over its events, and holds what comes against what the page says. Run it by scripts/check-comparison,
which installs what it needs.
"""

import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PAGE = HERE.parent.parent / "docs" / "coming-from.md"
WORK = HERE.parent.parent / "target" / "comparison"
# The first event comes at this time: some systems take the beginning of 1970 for no time at all.
BEGIN = 1_772_323_200_000
UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
LANGUAGES = {
    "flink": "Flink CEP",
    "esper": "Esper",
    "siddhi": "Siddhi",
    "eql": "EQL",
    "flink-sql": "Flink SQL",
    "sql": "SQL",
    "sigma": "Sigma",
}


class Block:
    def __init__(self, line, info, text):
        words = info.split()
        self.line, self.text = line, text
        # The second word says which system a block of Java, SQL or YAML is for.
        marks = [word for word in words[1:] if "=" not in word]
        self.language = next((word for word in marks if word in LANGUAGES), words[0] if words else "")
        self.marks = marks
        self.values = dict(word.split("=", 1) for word in words[1:] if "=" in word)

    @property
    def label(self):
        return " ".join(filter(None, [LANGUAGES[self.language], self.values.get("name")]))


def sections():
    """The blocks of the page, by the heading they stand under."""
    found, block, blocks = [], None, []
    for number, line in enumerate(PAGE.read_text().splitlines(), 1):
        if block is None and line.startswith("```"):
            block = (number, line[3:], [])
        elif block is not None and line.startswith("```"):
            blocks.append(Block(block[0], block[1], "\n".join(block[2]) + "\n"))
            block = None
        elif block is not None:
            block[2].append(line)
        elif line.startswith("#"):
            blocks = []
            found.append((line.lstrip("# "), blocks))
    return found


def events(words, kinds):
    """Events as the programs read them: `id|account|kind|amount|ip|order_id|milliseconds`, with blanks between."""
    at, lines = -1000, []
    for word in words.split():
        match = re.fullmatch(r"([a-z]\d+)(?:\(([^)]*)\))?(?:@(\d+(?:\.\d+)?)(ms|s|m|h|d))?", word)
        assert match, f"not an event: {word}"
        label, value, number, unit = match.groups()
        at = at + 1000 if number is None else round(float(number) * UNITS[unit])
        fields = {"account": "k", "amount": "", "ip": "", "order_id": "o1"}
        for part in filter(None, (value or "").split(",")):
            if re.fullmatch(r"-?[\d.]+", part):
                fields["amount"] = part
            elif "=" in part:
                name, _, part = part.partition("=")
                fields[name] = part
            else:
                fields["ip"] = part
        lines.append("|".join([label, fields["account"], kinds[label[0]], fields["amount"], fields["ip"], fields["order_id"], str(BEGIN + at)]))
    return " ".join(lines)


def run_java(system, lines):
    """The output of a runner, as pairs of run and text."""
    path = WORK / f"{system}.runs"
    path.write_text("".join("\t".join(line) + "\n" for line in lines))
    classes = (WORK / f"{system}.classpath").read_text().strip()
    command = ["java", "-XX:+IgnoreUnrecognizedVMOptions", "--add-opens=java.base/java.util=ALL-UNNAMED",
               "--add-opens=java.base/java.lang=ALL-UNNAMED", "-cp", f"{WORK / system}:{classes}", "Run", str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{system}: {done.stderr[-3000:]}")
    return [line.split("\t", 1) for line in done.stdout.splitlines() if "\t" in line]


def compile_java(system, sources):
    classes = (WORK / f"{system}.classpath").read_text().strip()
    done = subprocess.run(["javac", "-nowarn", "-proc:none", "-d", str(WORK / system), "-cp", classes, *map(str, sources)],
                          capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{system} does not compile:\n{done.stderr}")


def compile_flink(blocks, helpers):
    patterns = [block for block in blocks if block.language == "flink"]
    statements = [block for block in blocks if block.language == "flink-sql"]
    text = "import java.time.Duration;\nimport java.util.*;\nimport org.apache.flink.api.java.functions.KeySelector;\n"
    text += "import org.apache.flink.cep.nfa.aftermatch.AfterMatchSkipStrategy;\n"
    text += "import org.apache.flink.cep.pattern.*;\nimport org.apache.flink.cep.pattern.conditions.*;\n"
    text += f"class Snippets {{\n{helpers}\n"
    for number, block in enumerate(patterns):
        text += f"// Line {block.line} of the page.\nstatic Pattern<Event, ?> pattern{number}() {{\n{block.text}return pattern;\n}}\n"
    cases = "".join(f"case {number}: return pattern{number}();\n" for number in range(len(patterns)))
    text += f"static Pattern<Event, ?> pattern(int number) {{ switch (number) {{ {cases} default: throw new IllegalArgumentException(); }} }}\n"
    keys = "".join(f"case {number}: return event -> event.{block.values['key']};\n" for number, block in enumerate(patterns) if "key" in block.values)
    text += f"static KeySelector<Event, String> key(int number) {{ switch (number) {{ {keys} default: return event -> event.account; }} }}\n"
    timeouts = ", ".join("true" if "timeouts" in block.marks else "false" for block in patterns)
    text += f"static final boolean[] TIMEOUTS = {{ {timeouts} }};\n"
    texts = ", ".join('"""\n' + block.text.replace("\\", "\\\\") + '"""' for block in statements)
    text += f"static final String[] SQL = {{ {texts} }};\n}}\n"
    path = WORK / "Snippets.java"
    path.write_text(text)
    compile_java("flink", [HERE / "flink" / "Event.java", HERE / "flink" / "Run.java", path])
    return {id(block): str(number) for kind in (patterns, statements) for number, block in enumerate(kind)}


def ids_of(text):
    """What was captured, as the page writes it; other columns of a result are left out."""
    prefix = "timeout " if text.startswith("timeout ") else ""
    ids = {word for word in text.split() if re.fullmatch(r"[a-z]\d+", word) and not word.startswith("z")}
    return prefix + " ".join(sorted(ids, key=lambda label: int(label[1:])))


def eql_text(block):
    """`with runs=3` is newer than the parser of the package: it stands for so many equal steps."""
    return re.sub(r"(\[[^\]]*\]) with runs=(\d+)", lambda match: " ".join([match[1]] * int(match[2])), block.text)


def run_eql(text, lines):
    import eql
    from eql.parser import elasticsearch_syntax

    found, engine = [], eql.PythonEngine({})
    with elasticsearch_syntax:
        engine.add_query(eql.parse_query(text))
    engine.add_output_hook(lambda result: found.append(" ".join(event.data["id"] for event in result.events)))
    names = ["id", "account", "kind", "amount", "ip", "order_id"]
    for line in lines.split():
        *fields, at = line.split("|")
        data = {name: value or None for name, value in zip(names, fields)}
        data["amount"] = float(data["amount"]) if data["amount"] else None
        engine.stream_events([eql.Event("any", (int(at) - BEGIN) * 10_000, data)], finalize=False)
    engine.finalize()
    return found


def check_sigma(text):
    from sigma.collection import SigmaCollection

    collection = SigmaCollection.from_yaml(text)
    return [str(error) for rule in collection.rules for error in rule.errors]


def main():
    page = sections()
    blocks = [block for _, own in page for block in own]
    helpers = "".join(block.text for block in blocks if "helpers" in block.marks)
    base = "".join(block.text for block in blocks if "rules" in block.marks)
    snippets = [block for block in blocks if block.language in LANGUAGES and not {"helpers", "rules", "unchecked"} & set(block.marks)]
    numbers = compile_flink(snippets, helpers)
    compile_java("esper", [HERE / "esper" / "Run.java"])
    compile_java("siddhi", [HERE / "siddhi" / "Run.java"])
    compile_java("trino", [HERE / "trino" / "Run.java"])

    # Every snippet is run at least once, over no events where no block names it.
    runs = []
    for _, own in page:
        systems = {block.label: block for block in own if block in snippets}
        named = set()
        for block in (block for block in own if block.language == "compare"):
            current = None
            for line in block.text.splitlines():
                if not line.startswith(" "):
                    current = line
                    continue
                labels, expected = re.split(r"\s{2,}", line.strip(), maxsplit=1)
                for label in (label.strip() for label in labels.split(",")):
                    if label.startswith("Tripline"):
                        continue
                    assert label in systems, f"line {block.line}: there is no snippet for {label}"
                    named.add(label)
                    runs.append((systems[label], events(current, block.values), expected, f"{current}  [{label}, block of line {block.line}]"))
        runs += [(block, None, None, f"the snippet of line {block.line}") for label, block in systems.items() if label not in named]

    found = {str(number): [] for number in range(len(runs))}
    java = {"flink": [], "esper": [], "siddhi": [], "trino": []}
    empty = f"z1|nobody|nothing||||{BEGIN}"
    for number, (block, lines, _, _) in enumerate(runs):
        number, language = str(number), block.language
        path = WORK / f"{number}.snippet"
        path.write_text(block.text.strip().rstrip(";") if language == "sql" else block.text)
        if language in ("flink", "flink-sql"):
            java["flink"].append((number, "cep" if language == "flink" else "sql", numbers[id(block)], lines or empty))
        elif language in ("esper", "siddhi"):
            java[language].append((number, str(path), lines or ""))
        elif language == "sql":
            java["trino"].append((number, str(path)))
        elif language == "eql":
            try:
                found[number] += run_eql(eql_text(block), lines or empty)
            except Exception as error:
                found[number].append(f"error: {error}")
        elif language == "sigma":
            try:
                found[number] += [f"error: {error}" for error in check_sigma(base + "---\n" + block.text)]
            except Exception as error:
                found[number].append(f"error: {error}")
    for system, lines in java.items():
        for number, text in run_java(system, lines):
            found[number].append(text)

    wrong = 0
    for number, (block, lines, expected, title) in enumerate(runs):
        results = found[str(number)]
        errors = [text for text in results if text.startswith("error: ")]
        shown = sorted(ids_of(text) for text in results)
        wanted = [] if expected in (None, "nothing") else sorted(part.strip() for part in expected.split("·"))
        if errors or (lines is not None and shown != wanted):
            wrong += 1
            print(f"{title}\n  page:  {expected}\n  found: {errors or ' · '.join(shown) or 'nothing'}")
    ran = sum(lines is not None for _, lines, _, _ in runs)
    print(f"{len(snippets)} snippets compiled, {ran} runs compared, {wrong} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
