//! What there is to say to who supervises the process. Nothing here reads a clock or sends anything.

use std::time::Duration;

use crate::runtime::control::{Phase, Trouble};

/// The longest line about what the service is at, in bytes.
const LONGEST: usize = 1_000;
/// So long who supervises is to wait for the next word while the service starts or is renewed. It is said again and again.
const PATIENCE: Duration = Duration::from_secs(30);
/// What stopping takes besides what the service gives itself.
const LAST_THINGS: Duration = Duration::from_secs(10);

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// The service takes events.
    Ready,
    /// It takes over a changed configuration; [`Word::Ready`] follows.
    Reloading,
    /// It stops.
    Stopping,
    /// Nobody is to lose patience before that time is up.
    Patience(Duration),
    /// What it is at, for people: one line.
    Status(String),
    /// The engine moves.
    Moves,
    /// The engine does not move: the service is to be ended and started again.
    Hangs,
}

/// How the process is for who supervises it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No service has been ready yet.
    Starting,
    /// A service runs.
    Ready,
    /// It is being renewed.
    Reloading,
    /// It stops.
    Stopping,
}

impl State {
    /// Of a process whose service is at something, if it has one, and may be about to be replaced by another.
    pub fn of(phase: Option<Phase>, is_renewed: bool) -> State {
        match phase {
            _ if is_renewed => State::Reloading,
            None | Some(Phase::Starting) => State::Starting,
            Some(Phase::Running) => State::Ready,
            Some(Phase::Stopping) => State::Stopping,
        }
    }
}

/// What there is to say when it was so and is so now. `stopping`: how long the service gives itself to stop.
pub fn change(before: State, now: State, stopping: Duration) -> Vec<Word> {
    match now {
        _ if now == before => Vec::new(),
        State::Ready => vec![Word::Ready],
        State::Reloading => vec![Word::Reloading],
        State::Stopping => vec![Word::Stopping, Word::Patience(stopping.saturating_add(LAST_THINGS))],
        State::Starting => Vec::new(),
    }
}

/// What there is to say as long as it is so.
pub fn patience(now: State) -> Option<Word> {
    matches!(now, State::Starting | State::Reloading).then_some(Word::Patience(PATIENCE))
}

/// What a service does, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Events that it has taken since it was started.
    pub events: u64,
    /// Alerts that it has made since.
    pub alerts: u64,
    /// How far event time is behind the clock, in seconds.
    pub lag: u64,
}

/// What the service is at, in a line: why it is not ready, what does not work although it is, what it does.
pub fn status(state: State, reasons: &[Trouble], notes: &[Trouble], numbers: Numbers) -> String {
    let Numbers { events, alerts, lag } = numbers;
    let line = match state {
        State::Starting => "starts: loads its state".to_owned(),
        State::Reloading => "takes over what its files say now".to_owned(),
        State::Stopping => "stops: finishes what it has received".to_owned(),
        State::Ready if !reasons.is_empty() => format!("not ready: {}", shown(reasons)),
        State::Ready => {
            let but = if notes.is_empty() { String::new() } else { format!("; {}", shown(notes)) };
            format!(
                "takes events: {events} so far, {alerts} alerts, event time {lag} s behind the clock{but}"
            )
        }
    };
    one_line(&line)
}

fn shown(troubles: &[Trouble]) -> String {
    troubles.iter().map(|Trouble { part, why }| format!("{part}: {why}")).collect::<Vec<_>>().join("; ")
}

/// What a line of its own would begin with, which is a word of its own, must not be in it.
fn one_line(text: &str) -> String {
    let mut line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.len() > LONGEST {
        line.truncate(line.floor_char_boundary(LONGEST));
        line.push('…');
    }
    line
}

/// What wants to hear that the engine moves.
#[derive(Clone, Copy, Debug)]
pub struct Watchdog {
    within: Duration,
    /// Whether it was said that it does not.
    has_barked: bool,
}

impl Watchdog {
    /// One that wants to hear it within that time, every time.
    pub fn new(within: Duration) -> Watchdog {
        Watchdog { within, has_barked: false }
    }

    /// How often it is to be told, so that it hears of it in time even if one word is late.
    pub fn every(&self) -> Duration {
        self.within / 4
    }

    /// What there is to say when the engine has been at the same step for so long, if it is at one.
    pub fn says(&mut self, still: Option<Duration>) -> Option<Word> {
        let hangs = still.is_some_and(|still| still > self.within);
        let has_barked = std::mem::replace(&mut self.has_barked, hangs);
        match (hangs, has_barked) {
            (false, _) => Some(Word::Moves),
            (true, false) => Some(Word::Hangs),
            (true, true) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn trouble(part: &str, why: &str) -> Trouble {
        Trouble { part: part.into(), why: why.into() }
    }

    #[test]
    fn a_renewal_is_a_reload_whatever_becomes_of_services_meanwhile() {
        let phases = [Some(Phase::Running), Some(Phase::Stopping), None, Some(Phase::Starting)];
        assert!(phases.iter().all(|phase| State::of(*phase, true) == State::Reloading));
        let states = phases.map(|phase| State::of(phase, false));
        assert_eq!(states, [State::Ready, State::Stopping, State::Starting, State::Starting]);
    }

    #[test]
    fn every_change_is_said_once() {
        use State::{Ready, Reloading, Starting, Stopping};
        let said = |before, now| change(before, now, 30 * SECOND);
        assert_eq!(said(Starting, Starting), []);
        assert_eq!(said(Starting, Ready), [Word::Ready]);
        assert_eq!(said(Ready, Ready), []);
        assert_eq!(said(Ready, Reloading), [Word::Reloading]);
        assert_eq!(said(Reloading, Ready), [Word::Ready], "also when nothing has come of it");
        let stop = [Word::Stopping, Word::Patience(40 * SECOND)];
        for before in [Starting, Ready, Reloading] {
            assert_eq!(said(before, Stopping), stop);
        }
        assert_eq!(patience(Starting), Some(Word::Patience(PATIENCE)));
        assert_eq!(
            (patience(Ready), patience(Stopping)),
            (None, None),
            "the time to stop is not made longer"
        );
    }

    #[test]
    fn the_line_says_what_is_wrong_first() {
        let numbers = Numbers { events: 7, alerts: 1, lag: 2 };
        let down = [trouble("sink desk", "it is down")];
        let full = [trouble("store", "the disk is full"), trouble("sources", "`a` is not connected")];
        let line = |state, reasons: &[Trouble], notes: &[Trouble]| status(state, reasons, notes, numbers);
        let fine = "takes events: 7 so far, 1 alerts, event time 2 s behind the clock";
        assert_eq!(line(State::Ready, &[], &[]), fine);
        assert_eq!(line(State::Ready, &[], &down), format!("{fine}; sink desk: it is down"));
        let wrong = "not ready: store: the disk is full; sources: `a` is not connected";
        assert_eq!(line(State::Ready, &full, &down), wrong);
        assert_eq!(line(State::Stopping, &full, &down), "stops: finishes what it has received");
    }

    #[test]
    fn nothing_in_the_line_is_a_word_of_its_own() {
        let tricky = [trouble("sources", &format!("\nSTOPPING=1\r{}", "ü".repeat(LONGEST)))];
        let line = status(State::Ready, &tricky, &[], Numbers::default());
        assert!(line.starts_with("not ready: sources:  STOPPING=1 ü"), "{line}");
        assert!(!line.contains(char::is_control) && line.len() < LONGEST + 10, "{}", line.len());
    }

    #[test]
    fn a_watchdog_hears_that_the_engine_moves_and_once_that_it_does_not() {
        let mut watchdog = Watchdog::new(20 * SECOND);
        assert_eq!(watchdog.every(), 5 * SECOND);
        let said: Vec<_> = [None, Some(0), Some(20), Some(21), Some(26), Some(1), Some(30)]
            .map(|still| watchdog.says(still.map(Duration::from_secs)))
            .into();
        let (moves, hangs) = (Some(Word::Moves), Some(Word::Hangs));
        assert_eq!(said, [moves.clone(), moves.clone(), moves.clone(), hangs.clone(), None, moves, hangs]);
    }
}
