//! What is recorded of something that somebody has changed.

use std::fmt;
use std::path::Path;

use axum::body::Body;
use axum::http::{Method, Response};
use serde::Serialize;
use serde_json::{Value, json};

use crate::access::{By, Role, TokenSet, Who};
use crate::api::answer::Change;
use crate::api::problem::Problem;
use crate::event::Timestamp;
use crate::runtime::control::ControlError;
use crate::runtime::control::orders::Renewed;

/// The longest line. What makes a longer one is left out.
const LONGEST: usize = 64 << 10;

/// Something that somebody wants to change.
#[derive(Clone, Debug)]
pub struct Begun {
    /// Who.
    pub who: Who,
    /// From where: an IP address; nothing over the socket.
    pub from: Option<String>,
    /// The method.
    pub method: Method,
    /// The path of the route, with names in braces.
    pub route: &'static str,
    /// The path that was asked for.
    pub path: String,
}

/// What somebody has changed, or could not change.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    /// When it was done.
    time: Timestamp,
    /// Who has done it: the name of a token, what a certificate is known by, `socket`, `anonymous`, `signal`, `file`.
    who: String,
    /// What they are known by; `null` for a signal and a file.
    by: Option<By>,
    /// What they may do.
    role: Role,
    /// From where: an IP address; `null` over the socket.
    from: Option<String>,
    /// What they have done: the method and the path of the route, the signal, or what a file has.
    action: String,
    /// What it was done to.
    target: Option<String>,
    /// `done`, or the kind of the problem.
    outcome: &'static str,
    /// The status that was answered; `null` for a signal and a file.
    status: Option<u16>,
    /// Why it was not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// How what was changed was before, as far as it is known.
    before: Option<Value>,
    /// How it is now.
    after: Option<Value>,
}

impl Record {
    /// What came of it.
    pub fn new(begun: Begun, answer: &Response<Body>, time: Timestamp) -> Record {
        let Begun { who: Who { by, name, role }, from, method, route, path } = begun;
        let change = answer.extensions().get::<Change>().cloned();
        let problem = answer.extensions().get::<Problem>();
        let asked_for = asked_for(route, &path).map(str::to_owned);
        let Change { target, before, after } = change.unwrap_or_default();
        Record {
            time,
            who: name,
            by: Some(by),
            role,
            from,
            action: format!("{method} {route}"),
            target: if target.is_empty() { asked_for } else { Some(target) },
            outcome: outcome_of(problem),
            status: Some(answer.status().as_u16()),
            why: problem.map(|problem| problem.detail().to_owned()),
            before,
            after,
        }
    }

    /// What came of a signal to begin anew. Whoever may send the process one may do everything.
    pub fn of_signal(signal: &str, outcome: Result<Renewed, ControlError>, time: Timestamp) -> Record {
        let (after, problem) = match outcome {
            Ok(renewed) => (Some(json!(renewed)), None),
            Err(error) => (None, Some(Problem::from(error))),
        };
        Record {
            target: Some("service".into()),
            outcome: outcome_of(problem.as_ref()),
            why: problem.map(|problem| problem.detail().to_owned()),
            after,
            ..Record::of_owner("signal", signal, time)
        }
    }

    /// That other tokens count than before, as their file says. Whoever may write it may do everything. Only those are shown
    /// that are not the same, with their digests, which tell that another token has the name of one before.
    pub fn of_tokens(file: &Path, before: &TokenSet, after: &TokenSet, time: Timestamp) -> Record {
        let only = |these: &TokenSet, those: &TokenSet| {
            let only = these.entries().iter().filter(|entry| !those.entries().contains(entry));
            Some(json!(only.collect::<Vec<_>>()))
        };
        Record {
            target: Some(file.display().to_string()),
            before: only(before, after),
            after: only(after, before),
            ..Record::of_owner("file", "tokens", time)
        }
    }

    /// Of something that is done to the service beside its API, where nobody has to show who they are but the system lets only
    /// those do it who may do everything.
    fn of_owner(who: &str, action: &str, time: Timestamp) -> Record {
        Record {
            time,
            who: who.into(),
            by: None,
            role: Role::Admin,
            from: None,
            action: action.into(),
            target: None,
            outcome: outcome_of(None),
            status: None,
            why: None,
            before: None,
            after: None,
        }
    }

    /// As one line of JSON, with its end.
    pub fn line(&self) -> String {
        let whole = self.json();
        if whole.len() < LONGEST {
            return whole;
        }
        let short = |value: &Option<Value>| {
            value.as_ref().map(|value| json!(format!("left out: {} bytes", value.to_string().len())))
        };
        Record { before: short(&self.before), after: short(&self.after), ..self.clone() }.json()
    }

    fn json(&self) -> String {
        serde_json::to_string(self).expect("plain data can be written as JSON") + "\n"
    }
}

/// For people.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Record { who, action, outcome, .. } = self;
        let target = self.target.as_deref().map(|target| format!(" ({target})")).unwrap_or_default();
        write!(f, "{who}: {action}{target}: {outcome}")
    }
}

fn outcome_of(problem: Option<&Problem>) -> &'static str {
    problem.map_or("done", |problem| problem.kind().name())
}

/// What stands in a path where its route has a name in braces.
fn asked_for<'a>(route: &str, path: &'a str) -> Option<&'a str> {
    let parts = route.split('/').zip(path.split('/'));
    parts.filter(|(name, _)| name.starts_with('{')).map(|(_, value)| value).last()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_line_what_makes_it_long_is_left_out() {
        let line = |length: usize| {
            let who = Who { by: By::Socket, name: "socket".into(), role: Role::Admin };
            let (route, path) = ("/v1/rules/{name}/mode", "/v1/rules/testing/mode".to_owned());
            let begun = Begun { who, from: None, method: Method::POST, route, path };
            let change = Change {
                before: Some(json!("b".repeat(length))),
                after: Some(json!("a")),
                ..Change::default()
            };
            let mut answer = Response::new(Body::empty());
            answer.extensions_mut().insert(change);
            Record::new(begun, &answer, Timestamp::from_micros(0)).line()
        };
        let read = |line: &str| serde_json::from_str::<Value>(line).expect("JSON");
        let short = read(&line(60_000));
        assert_eq!((short["before"].as_str().map(str::len), &short["after"]), (Some(60_000), &json!("a")));
        let long = line(100_000);
        assert!(long.len() < 1_000 && long.ends_with("}\n"), "{long}");
        let long = read(&long);
        assert_eq!(
            (&long["target"], &long["before"], &long["after"]),
            (&json!("testing"), &json!("left out: 100002 bytes"), &json!("left out: 3 bytes"))
        );
    }
}
