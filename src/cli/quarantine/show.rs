//! `tripline quarantine show`: records as they came in.

use std::fmt::Write as _;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use crate::quarantine::record::Record;

use super::{FileArgs, FilterArgs, note_unreadable, visible};
use crate::cli::output::{self, grouped};

/// How much of a record is shown, in bytes.
const SHOWN: usize = 2_000;
/// How many lines that are no records are named.
const NAMED: usize = 5;

/// Show records as they came in, with what is wrong with each
///
/// Exits with 0, whatever it finds.
#[derive(Debug, clap::Args)]
pub struct Show {
    #[command(flatten)]
    file: FileArgs,

    #[command(flatten)]
    filter: FilterArgs,

    /// Show at most so many; 0 shows all
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    limit: u64,

    /// Show records to their ends, however long they are
    #[arg(long)]
    full: bool,

    /// Write the lines of the file instead, one JSON object each
    #[arg(long)]
    json: bool,
}

impl Show {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let filter = self.filter.filter();
        let mut out = BufWriter::new(io::stdout().lock());
        let (mut shown, mut more, mut unreadable) = (0, 0, (0, Vec::new()));
        let path = self.file.read(|line| {
            match &line.record {
                Ok(record) if filter.takes(record) => {
                    if self.limit > 0 && shown >= self.limit {
                        more += 1;
                    } else if self.json {
                        out.write_all(&line.bytes)?;
                        out.write_all(b"\n")?;
                        shown += 1;
                    } else {
                        out.write_all(self.text(record, shown == 0).as_bytes())?;
                        shown += 1;
                    }
                }
                Ok(_) => {}
                Err(why) => {
                    unreadable.0 += 1;
                    if unreadable.1.len() < NAMED {
                        unreadable.1.push((line.number, why.to_string()));
                    }
                }
            }
            Ok(true)
        })?;
        out.flush()?;
        if shown == 0 {
            output::complain(&format!("note: `{}` has no such records", path.display()));
        } else if more > 0 {
            let more = grouped(more);
            output::complain(&format!("note: {more} more are not shown; `--limit 0` shows all"));
        }
        note_unreadable(unreadable.0, &unreadable.1, &path);
        Ok(ExitCode::SUCCESS)
    }

    fn text(&self, record: &Record, first: bool) -> String {
        let Record { time, partition, offset, number, .. } = record;
        let mut text = if first { String::new() } else { "\n".to_owned() };
        let (source, stream) = (visible(&record.source), visible(&record.stream));
        let _ = writeln!(
            text,
            "{time}  {source} -> {stream}, partition {partition}, number {number} at byte {offset}"
        );
        let _ = writeln!(text, "  {}: {}", visible(&record.reason), visible(&record.detail));
        let all = if self.full { record.bytes.len() } else { SHOWN };
        let shown = &record.bytes[..record.bytes.len().min(all)];
        if !shown.is_empty() || record.is_whole() {
            let _ = writeln!(text, "  {}", bytes(shown));
        }
        let hidden = record.bytes.len() - shown.len();
        if hidden > 0 {
            let _ = writeln!(text, "  … {} more bytes; `--full` shows them", grouped(hidden as u64));
        }
        if let Some(length) = record.length {
            let (kept, length) = (grouped(record.bytes.len() as u64), grouped(length));
            let _ = writeln!(text, "  {kept} of its {length} bytes were kept");
        }
        text
    }
}

/// Bytes as text; what is no text is escaped.
fn bytes(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(&visible(chunk.valid()));
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_escaped() {
        assert_eq!(bytes(b"a\xffb\t\xc3\xa9\xc3"), "a\\xffb\\té\\xc3");
    }
}
