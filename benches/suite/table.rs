//! The result as one aligned table of plain text, beside the one before.

use std::fmt::Write;

use crate::results::{Report, Row};

/// How much worse a figure must be to be marked. Machines are noisy.
const WORSE: f64 = 1.1;

/// Where a column's text stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

const COLUMNS: [(&str, Side); 8] = [
    ("case", Side::Left),
    ("before", Side::Right),
    ("now", Side::Right),
    ("change", Side::Right),
    ("to reach", Side::Right),
    ("events/s", Side::Right),
    ("peak MB", Side::Right),
    ("remark", Side::Left),
];

/// The table, with the lines above and below it that say how to read it.
pub fn render(before: Option<&Report>, now: &Report) -> String {
    let mut text = heading(before, now);
    let mut lines: Vec<Option<[String; COLUMNS.len()]>> = Vec::new();
    let mut group = "";
    for row in &now.rows {
        if row.group != group {
            group = &row.group;
            lines.push(None);
            let mut title = [const { String::new() }; COLUMNS.len()];
            title[0].clone_from(&row.group);
            lines.push(Some(title));
        }
        lines.push(Some(cells(before.and_then(|report| report.row(&row.group, &row.case)), row)));
    }
    let width = |column: usize| {
        let cells = lines.iter().flatten().map(|cells| cells[column].chars().count());
        cells.max().unwrap_or(0).max(COLUMNS[column].0.chars().count())
    };
    let widths: [usize; COLUMNS.len()] = std::array::from_fn(width);
    line(&mut text, COLUMNS.map(|(name, _)| name.to_owned()).as_ref(), &widths);
    for cells in &lines {
        match cells {
            Some(cells) => line(&mut text, cells, &widths),
            None => text.push('\n'),
        }
    }
    text.push_str(
        "\nCPU time, startup not counted; events/s for one core at that CPU time. `!` more than 10 % worse than \
         before, `x` not yet what it is to reach.\n",
    );
    text
}

fn heading(before: Option<&Report>, now: &Report) -> String {
    let mut text = format!("now     {}\n", origin(now));
    match before {
        Some(before) => {
            let _ = writeln!(text, "before  {}", origin(before));
            if before.machine != now.machine || before.compiler != now.compiler {
                text.push_str("        another machine or compiler: only proportions can be compared\n");
            }
            if before.events != now.events {
                text.push_str("        another number of events: what grows with it cannot be compared\n");
            }
        }
        None => text.push_str("before  nothing is kept yet; --save keeps this result\n"),
    }
    text.push('\n');
    text
}

fn origin(report: &Report) -> String {
    let Report { commit, date, machine, compiler, command, .. } = report;
    format!("{commit}, {date}, {machine}, {compiler}: {command}")
}

fn cells(before: Option<&Row>, now: &Row) -> [String; COLUMNS.len()] {
    let before = before.filter(|before| before.unit == now.unit);
    let mut remark = now.remark.clone();
    if let Some((was, is)) =
        before.and_then(|before| before.alerts.zip(now.alerts)).filter(|(was, is)| was != is)
    {
        let _ = write!(remark, "{}alerts: {is}, before {was}", if remark.is_empty() { "" } else { "; " });
    }
    [
        format!("  {}", now.case),
        before.map_or_else(String::new, |before| before.unit.show(before.value)),
        now.unit.show(now.value),
        before.map_or_else(String::new, |before| change(before, now)),
        now.target.map_or_else(String::new, |target| {
            let sign = if now.unit.more_is_better() { '≥' } else { '≤' };
            format!("{sign} {}{}", now.unit.show(target), if now.is_reached() { "  " } else { " x" })
        }),
        now.events_per_s.map_or_else(String::new, |rate| grouped(rate.round() as u64)),
        now.peak_mb.map_or_else(String::new, |peak| format!("{peak:.0}")),
        remark,
    ]
}

/// The figure now by that before, marked if it is worse.
fn change(before: &Row, now: &Row) -> String {
    if before.value == 0.0 {
        return String::new();
    }
    let ratio = now.value / before.value;
    let worse = if now.unit.more_is_better() { ratio < 1.0 / WORSE } else { ratio > WORSE };
    format!("{ratio:.2}{}", if worse { " !" } else { "  " })
}

fn line(text: &mut String, cells: &[String], widths: &[usize]) {
    let mut line = String::new();
    for ((cell, width), (_, side)) in cells.iter().zip(widths).zip(COLUMNS) {
        let space = " ".repeat(width - cell.chars().count());
        let (left, right) = if side == Side::Left { ("", space.as_str()) } else { (space.as_str(), "") };
        let _ = write!(line, "{left}{cell}{right}  ");
    }
    text.push_str(line.trim_end());
    text.push('\n');
}

/// A number with a comma after every three digits.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
