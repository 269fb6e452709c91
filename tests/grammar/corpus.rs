//! The rule texts of the project that the grammar must know.

use std::fs;
use std::path::{Path, PathBuf};

/// A text with the name to show for it.
pub struct Sample {
    pub name: String,
    text: String,
    part: Part,
}

/// What a text is.
#[derive(Clone, Copy)]
enum Part {
    File,
    Clauses,
    Expression,
}

impl Sample {
    /// The text with what must stand around it in a file.
    pub fn as_file(&self) -> String {
        match self.part {
            Part::File => self.text.clone(),
            Part::Clauses => format!("rule r {{\n{}\n}}", self.text),
            Part::Expression => format!("let x = {}", self.text),
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file, its path as seen from the root of the project.
pub fn read(path: &Path) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files with that ending below a folder, sorted.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("the folder can be read") {
            let path = entry.expect("the entry can be read").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|own| own == ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn file_samples(folder: &str) -> Vec<Sample> {
    let sample = |path: PathBuf| Sample {
        name: path.strip_prefix(root()).expect("below the root").display().to_string(),
        part: Part::File,
        text: read(&path),
    };
    files(folder, "trip").into_iter().map(sample).collect()
}

/// The example rules, and the samples whose colours are tested.
pub fn rules() -> Vec<Sample> {
    let mut samples = file_samples("rules");
    samples.extend(file_samples("grammar/textmate/test"));
    samples.extend(file_samples("grammar/tree-sitter-tripline/test"));
    samples
}

/// The rule files below `tests` and `src`, of which many have mistakes.
pub fn test_files() -> Vec<Sample> {
    let mut samples = file_samples("tests");
    samples.extend(file_samples("src"));
    samples
}

/// The rules of the conformance cases.
pub fn conformance() -> Vec<Sample> {
    let text = read("tests/conformance/patterns.jsonl".as_ref());
    let sample = |(index, line): (usize, &str)| {
        let case: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
        Sample {
            name: format!("patterns.jsonl:{}", index + 1),
            part: Part::File,
            text: case["rule"].as_str().expect("a case has a rule").to_owned(),
        }
    };
    text.lines().enumerate().map(sample).collect()
}

/// The fenced blocks of a page: the line, what stands behind the fence, and the text.
pub fn blocks(page: &str) -> Vec<(usize, String, String)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, String, String)> = None;
    for (index, line) in read(page.as_ref()).lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => open = Some((index + 1, info.trim().to_owned(), String::new())),
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some((_, _, text)), None) => *text = format!("{text}{line}\n"),
            (None, None) => {}
        }
    }
    found
}

/// What the reference of the language shows in its blocks: files, clauses and expressions.
pub fn documentation() -> Vec<Sample> {
    let mut samples = Vec::new();
    for (line, info, text) in blocks("docs/language.md") {
        let mut add = |part, text: &str| {
            let name = format!("docs/language.md:{line}");
            samples.push(Sample { name, part, text: text.to_owned() });
        };
        let (language, code) = info.split_once(' ').unwrap_or((&info, ""));
        match language {
            "trip" => add(part(&text), &text),
            // Mistakes of meaning, that is; examples are separated by empty lines.
            "trip-error" if !code.starts_with("E00") => {
                text.split("\n\n").for_each(|example| add(part(example), example));
            }
            "values" => {
                let expressions = text.lines().filter_map(|line| line.split_once('→'));
                expressions.for_each(|(expression, _)| add(Part::Expression, expression));
            }
            "run" => {
                let clauses = text.split("\n\n").next().expect("there is a first part");
                // The reports stand for the alerts.
                let is_whole = |line: &&str| !line.starts_with("on timeout");
                clauses.lines().filter(is_whole).for_each(|clause| add(Part::Clauses, clause));
            }
            _ => {}
        }
    }
    samples
}

/// Whether an example is a file or consists of clauses.
fn part(text: &str) -> Part {
    let declarations = ["stream", "list", "table", "let", "def", "rule", "test"];
    let mut lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let word = lines.next().and_then(|line| line.split_whitespace().next()).unwrap_or_default();
    if declarations.contains(&word) { Part::File } else { Part::Clauses }
}
