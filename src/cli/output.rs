//! Writing to the terminal, a pipe or a file.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::diagnostic::{Diagnostics, Sources, Style, render_all};

use super::Misuse;

/// Writes to standard output. `println!` would panic when a pipe is closed.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Writes a line to standard error; when even that fails there is no one left to tell.
pub fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Shows diagnostics on standard error.
pub fn show(diagnostics: &Diagnostics, sources: &Sources) {
    let text = render_all(diagnostics, sources, style(&io::stderr()));
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Colours for people at a terminal who have not declined them.
pub fn style(stream: &impl IsTerminal) -> Style {
    let declined = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if stream.is_terminal() && !declined { Style::Coloured } else { Style::Plain }
}

/// Where a command's result goes: the file, or standard output without one.
pub fn writer(path: Option<&PathBuf>) -> anyhow::Result<Box<dyn Write>> {
    Ok(match path {
        None => Box::new(BufWriter::new(io::stdout())),
        Some(path) => Box::new(BufWriter::new(create(path)?)),
    })
}

fn create(path: &Path) -> anyhow::Result<File> {
    Ok(File::create(path).map_err(|error| Misuse(format!("cannot create `{}`: {error}", path.display())))?)
}

/// Whether an error means that the reader of our output has gone.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// Writes JSON to standard output.
pub fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    Ok(print(&format!("{}\n", serde_json::to_string_pretty(value)?))?)
}

/// Lines up cells; the columns of numbers to the right.
pub fn table<R: AsRef<[String]>>(rows: &[R], numbers: &[usize]) -> String {
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.as_ref().iter().enumerate() {
            let width = rows.iter().map(|row| row.as_ref()[column].chars().count()).max().unwrap_or(0);
            line.push_str(&match numbers.contains(&column) {
                true => format!("{cell:>width$}  "),
                false => format!("{cell:<width$}  "),
            });
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A text of so many letters at most; of a longer one the beginning, and a sign that it goes on.
pub fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A count with its noun: `1 rule`, `2 rules`.
pub fn plural(count: usize, noun: &str) -> String {
    format!("{} {noun}{}", grouped(count as u64), if count == 1 { "" } else { "s" })
}

/// A number with a comma between groups of three digits.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        let shown: Vec<_> = [0, 12, 999, 1_000, 1_234_567].into_iter().map(grouped).collect();
        assert_eq!(shown, ["0", "12", "999", "1,000", "1,234,567"]);
        assert_eq!((plural(1, "rule"), plural(2, "rule")), ("1 rule".into(), "2 rules".into()));
    }
}
