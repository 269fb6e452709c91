//! When a file is put aside, under which name, and which of those put aside are removed. Pure.
//!
//! `alerts.jsonl` is put aside as `alerts.jsonl.2026-11-22T07-30-00Z`, so that the names are in the order of time; of
//! several in one second the later ones end in `-2`, `-3` and so on. Compressed, `.gz` follows.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::strtime;

const FORMAT: &str = "%Y-%m-%dT%H-%M-%SZ";
/// What ends the names of compressed files.
pub const COMPRESSED: &str = ".gz";
/// What ends the name of a file while it is being compressed.
pub const UNFINISHED: &str = ".gz.partial";

/// When and how a file is put aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Before it is larger than so many bytes.
    pub max_size: Option<u64>,
    /// When a new span of this length has begun, counted from 1970: with a day, at midnight in UTC.
    pub every: Option<Duration>,
    /// How many of those put aside are kept.
    pub keep: usize,
    /// Whether those put aside are compressed.
    pub compress: bool,
}

/// What is known of the file that is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Its bytes.
    pub size: u64,
    /// When it was last written to.
    pub written: Timestamp,
}

impl Rotation {
    /// Whether the file is to be put aside before `more` bytes are written `now`.
    pub fn is_due(&self, file: State, more: u64, now: Timestamp) -> bool {
        let is_full = self.max_size.is_some_and(|most| file.size.saturating_add(more) > most);
        let is_old = self.every.is_some_and(|every| span(file.written, every) < span(now, every));
        // An empty file holds nothing that is too much or too old.
        file.size > 0 && (is_full || is_old)
    }

    /// Which of these names of files put aside are to be removed: all but the newest.
    pub fn surplus<'a>(&self, file: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
        let mut aside: Vec<(Place, &str)> =
            names.into_iter().filter_map(|name| Some((place(file, name)?, name))).collect();
        aside.sort_unstable();
        let places: BTreeSet<&Place> = aside.iter().map(|(place, _)| place).collect();
        let Some(oldest_kept) = places.into_iter().rev().nth(self.keep.saturating_sub(1)).cloned() else {
            return Vec::new();
        };
        aside.into_iter().filter(|(place, _)| *place < oldest_kept).map(|(_, name)| name).collect()
    }
}

fn span(time: Timestamp, every: Duration) -> i64 {
    let seconds = i64::try_from(every.as_secs()).unwrap_or(i64::MAX).max(1);
    time.as_second().div_euclid(seconds)
}

/// The name under which `file` is put aside `now`, if `taken` are there already.
pub fn name(file: &str, now: Timestamp, taken: &BTreeSet<String>) -> String {
    let name =
        format!("{file}.{}", strtime::format(FORMAT, now).unwrap_or_else(|_| now.as_second().to_string()));
    let is_free = |name: &str| !taken.contains(name) && !taken.contains(&format!("{name}{COMPRESSED}"));
    if is_free(&name) {
        return name;
    }
    let numbered = (2_u64..).map(|number| format!("{name}-{number}"));
    numbered.into_iter().find(|name| is_free(name)).expect("there are more numbers than files")
}

/// Where a file that was put aside stands among them: its time, and its number of that second.
type Place = (String, u64);

/// The place of a file by its name; `None` if it is not `file` put aside.
pub fn place(file: &str, name: &str) -> Option<Place> {
    let rest = name.strip_prefix(file)?.strip_prefix('.')?;
    let rest = rest.strip_suffix(COMPRESSED).unwrap_or(rest);
    let (time, number) = match rest.split_once("Z-") {
        Some((time, number)) => (format!("{time}Z"), number.parse().ok()?),
        None => (rest.to_owned(), 1),
    };
    let digit = |(at, c): (usize, char)| match at {
        4 | 7 | 13 | 16 => c == '-',
        10 => c == 'T',
        19 => c == 'Z',
        _ => c.is_ascii_digit(),
    };
    (time.len() == 20 && time.chars().enumerate().all(digit)).then_some((time, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn at(time: &str) -> Timestamp {
        time.parse().expect("a time")
    }

    #[test]
    fn a_file_is_put_aside_before_it_is_too_large_and_when_a_span_is_over() {
        let rotation = Rotation { max_size: Some(100), every: Some(DAY), keep: 3, compress: false };
        let written = at("2026-11-22T23:59:59Z");
        let due = |size, more, now| rotation.is_due(State { size, written }, more, at(now));
        assert!(!due(60, 40, "2026-11-22T23:59:59Z"), "it is full, no more");
        assert!(due(60, 41, "2026-11-22T23:59:59Z"));
        assert!(due(1, 1, "2026-11-23T00:00:00Z"));
        assert!(!due(0, 1_000, "2026-11-23T00:00:00Z"), "there is nothing to be put aside");
        assert!(!due(1, 1, "2026-11-21T00:00:00Z"), "a clock that was set back begins no new span");
        let never = Rotation { max_size: None, every: None, ..rotation };
        assert!(!never.is_due(State { size: u64::MAX, written }, 1, at("2030-01-01T00:00:00Z")));
    }

    #[test]
    fn names_are_in_the_order_of_time_and_never_taken_twice() {
        let mut taken = BTreeSet::new();
        let now = at("2026-11-22T07:30:00.9Z");
        let mut names = Vec::new();
        for _ in 0..11 {
            let name = name("a.jsonl", now, &taken);
            taken.insert(if names.len() % 2 == 0 { name.clone() } else { format!("{name}.gz") });
            names.push(name);
        }
        assert_eq!(names[..2], ["a.jsonl.2026-11-22T07-30-00Z", "a.jsonl.2026-11-22T07-30-00Z-2"]);
        let places: Vec<_> = names.iter().map(|name| place("a.jsonl", name).expect("it is one")).collect();
        assert!(places.is_sorted(), "{places:?}");
    }

    #[test]
    fn the_oldest_are_surplus_and_other_files_are_left_alone() {
        let rotation = Rotation { max_size: None, every: None, keep: 2, compress: false };
        let names = [
            "a.2026-11-22T07-30-00Z-10",
            "a.2026-11-22T07-30-00Z-9.gz",
            "a.2026-11-22T07-30-00Z-9",
            "a.2026-11-21T07-30-00Z",
            "a",
            "a.1",
            "a.2026-11-20",
            "ab.2026-11-20T07-30-00Z",
            "a.2026-11-20T07-30-00Z.bak",
            "a.2026-11-22T07-30-00Z.gz",
        ];
        let expected = ["a.2026-11-21T07-30-00Z", "a.2026-11-22T07-30-00Z.gz"];
        assert_eq!(rotation.surplus("a", names), expected);
        assert_eq!(Rotation { keep: 9, ..rotation }.surplus("a", names), [] as [&str; 0]);
    }
}
