//! What rules cost, for people: a table of all, or one in detail.

use crate::program::cost::{
    Asked, Bound, Condition, Cost, Growth, Held, Index, Lifetime, Memory, RECORD_BYTES,
};

use super::output::{self, grouped, plural};

/// A line for each rule.
pub fn table(costs: &[Cost]) -> String {
    let head = ["rule", "states", "partial matches", "growth", "life", "memory", "conditions", "held"];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(costs.iter().map(row));
    let mut text = output::table(&rows, &[1, 2, 5]);
    text.push_str(
        "\nPartial matches and memory are upper bounds for each key; --rule NAME tells more of a rule.\n",
    );
    text
}

fn row(cost: &Cost) -> [String; 8] {
    [
        cost.rule.clone(),
        grouped(cost.states as u64),
        grouped(cost.runs.most as u64),
        cost.runs.growth.to_string(),
        match cost.lifetime {
            _ if cost.runs.most == 0 => "none".to_owned(),
            Lifetime::Limited(span) => span.to_string(),
            Lifetime::NextEvent => "next event".to_owned(),
            Lifetime::Unlimited => "no limit".to_owned(),
        },
        bytes(cost.memory.key),
        conditions(&cost.conditions),
        match &cost.held {
            Held::Nothing => "nothing".to_owned(),
            Held::Together => "together".to_owned(),
            Held::OneByOne { because } => format!("one by one: {because}"),
        },
    ]
}

/// How many conditions are asked of how much.
fn conditions(conditions: &[Condition]) -> String {
    let count = |wanted: &[Asked]| conditions.iter().filter(|of| wanted.contains(&of.asked)).count();
    let each_run = conditions.iter().filter(|of| of.for_each_run).count();
    let counts = [
        (count(&[Asked::Index, Asked::Found]), "by index"),
        (count(&[Asked::EachEvent]), "each event"),
        (each_run, "each partial match"),
    ];
    let told = counts.iter().filter(|(count, _)| *count > 0);
    let told: Vec<String> = told.map(|(count, what)| format!("{count} {what}")).collect();
    if told.is_empty() { "none".to_owned() } else { told.join(", ") }
}

/// Everything about one rule.
pub fn details(cost: &Cost) -> String {
    let Memory { run, capture, event, most_events, key, .. } = cost.memory;
    let mut lines = vec![
        (
            "automaton",
            format!("{}, {}", plural(cost.states, "state"), plural(cost.transitions, "transition")),
        ),
        ("partial matches", partial_matches(cost)),
    ];
    if cost.runs.most > 0 {
        let events = match most_events {
            Some(most) => format!("at most {}", plural(most, "event")),
            None => "as many events as come".to_owned(),
        };
        let takes = match cost.held {
            Held::Together => format!("at most {} for each event that it holds", bytes(capture)),
            _ if capture == 0 => format!("{} each, beside the event that it holds", bytes(run)),
            _ => format!("{} each, and {} for each event that it holds", bytes(run), bytes(capture)),
        };
        lines.extend([
            ("", cost.held.to_string()),
            ("life", format!("each {}", cost.lifetime)),
            ("memory", takes),
            ("", format!("each holds {events}; an event takes about {}", bytes(event))),
            ("", format!("all of a key: at most {}, if records have {RECORD_BYTES} bytes", bytes(key))),
        ]);
    }
    if cost.memory.distinct > 0 {
        lines.push(("", "`count_distinct` remembers every different value that was captured".to_owned()));
    }
    for (number, condition) in cost.conditions.iter().enumerate() {
        lines.push((if number == 0 { "conditions" } else { "" }, asked(condition)));
    }
    for (number, past) in cost.past.iter().enumerate() {
        let looks = if past.looks_at_each { ", each of which is looked at every time" } else { "" };
        let text = format!("{} over the events of `{}` of {}{looks}", past.aggregate, past.stream, past.over);
        lines.push((if number == 0 { "past" } else { "" }, text));
    }
    let mut text = format!("{}\n", cost.rule);
    for (name, line) in lines {
        text.push_str(format!("  {name:<17}{line}").trim_end());
        text.push('\n');
    }
    text
}

fn partial_matches(cost: &Cost) -> String {
    if cost.runs.most == 0 {
        return "none: a match is one event".to_owned();
    }
    let bound = match cost.runs.bound {
        Bound::Pattern => "the pattern allows no more",
        Bound::MaxRuns => "`max runs`",
        Bound::MaxEvents => "`max events`",
    };
    let growth = match cost.runs.growth {
        Growth::Steady { .. } => String::new(),
        growth => format!("; {}", growth.sentence()),
    };
    format!("at most {} a key ({bound}){growth}", grouped(cost.runs.most as u64))
}

/// What the condition asks, and of how much.
fn asked(condition: &Condition) -> String {
    let index = |index: &Index| format!("`{}`{}", index.field, if index.equal { "" } else { " (a range)" });
    let indexes: Vec<String> = condition.indexes.iter().map(index).collect();
    let indexes = indexes.join(" or ");
    let of_event = match condition.asked {
        Asked::Nothing => None,
        Asked::Index => Some(format!("an index on {indexes} can answer it")),
        Asked::Found => Some(format!("asked of what an index on {indexes} can find")),
        Asked::EachEvent => Some(format!("asked of each event of `{}`", condition.stream)),
    };
    let of_run = condition.for_each_run.then(|| "a part is asked for each partial match".to_owned());
    let told: Vec<String> = of_event.into_iter().chain(of_run).collect();
    let told = if told.is_empty() {
        format!("takes every event of `{}`", condition.stream)
    } else {
        told.join("; ")
    };
    format!("`{}`: {told}", condition.event)
}

/// A number of bytes with its unit.
fn bytes(count: usize) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", count as f64 / 1e6),
        _ => format!("{:.1} GB", count as f64 / 1e9),
    }
}
