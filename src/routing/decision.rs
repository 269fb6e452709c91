//! What becomes of an alert, and why.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

use crate::alert::notification::Named;
use crate::event::{Duration, Timestamp};

use super::facts::plain;

/// Something that was decided of an alert, or has happened to it since. It says why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decision {
    /// The rule's `limit` held it back, so that it came no further.
    Limited {
        /// The limit.
        limit: String,
        /// How many it had held back before.
        before: u64,
    },
    /// The rule's `limit` let it pass after having held back others.
    Passed {
        /// The limit.
        limit: String,
        /// How many it had held back since the one before.
        suppressed: u64,
    },
    /// It was decided again: it has been dealt with.
    Repeat,
    /// A silence is about it.
    Silenced {
        /// The silence.
        silence: String,
        /// When that ends.
        until: Timestamp,
        /// Why there is one.
        comment: String,
    },
    /// Another alert makes it needless.
    Inhibited {
        /// By which inhibition of the configuration.
        inhibition: String,
        /// The other alert.
        by: String,
        /// How long that counts.
        until: Timestamp,
    },
    /// It was handed to sinks by itself.
    Sent {
        /// The route that it took.
        route: String,
        /// The sinks.
        sinks: Vec<String>,
    },
    /// An earlier route has given it to these sinks.
    Already {
        /// The route that would have.
        route: String,
        /// The sinks.
        sinks: Vec<String>,
    },
    /// It was put to others, with which it will be sent.
    Grouped {
        /// The route that it took.
        route: String,
        /// What they have in common.
        #[schema(value_type = Object)]
        group: Named<Json>,
        /// The id that they will be sent under.
        notification: String,
        /// When.
        due: Timestamp,
        /// Whether there is room for it in the list, or it is only counted.
        listed: bool,
        /// The quiet hours because of which they wait, if there are any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        quiet: Option<String>,
    },
    /// What it was put to waits longer: the quiet hours have begun.
    Postponed {
        /// The route that it took.
        route: String,
        /// The hours.
        quiet: String,
        /// When they end.
        until: Timestamp,
    },
    /// What it was put to was handed to sinks.
    GroupSent {
        /// The route that it took.
        route: String,
        /// The id that it was sent under.
        notification: String,
        /// How many alerts it stands for.
        count: u64,
        /// The sinks.
        sinks: Vec<String>,
    },
    /// In quiet hours it was handed to other sinks.
    Lowered {
        /// The route that it took.
        route: String,
        /// The hours.
        quiet: String,
        /// When they end.
        until: Timestamp,
        /// The sinks.
        sinks: Vec<String>,
    },
    /// The route has no sinks.
    Nowhere {
        /// The route that it took.
        route: String,
    },
    /// Its rule has no sinks, and there are none for such rules.
    Unrouted,
    /// There was too much of something to do all that was to be done.
    Crowded {
        /// Of what.
        what: Crowd,
        /// The bound.
        most: usize,
    },
    /// Somebody is to acknowledge it.
    Waits {
        /// The route that it took.
        route: String,
        /// Until then.
        until: Timestamp,
        /// Where it goes otherwise.
        sinks: Vec<String>,
    },
    /// Somebody has.
    Acknowledged {
        /// Who.
        by: String,
        /// What he says.
        comment: String,
    },
    /// Nobody has, and it was handed to other sinks.
    Escalated {
        /// The route that it took.
        route: String,
        /// How long it has waited.
        after: Duration,
        /// The id that it was sent under then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        notification: Option<String>,
        /// The sinks.
        sinks: Vec<String>,
    },
    /// It is over.
    Resolved {
        /// Why.
        why: Why,
        /// The sinks that were told; none where none was to be.
        sinks: Vec<String>,
        /// The id under which they were.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        notification: Option<String>,
    },
}

/// Of what there was too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Crowd {
    /// Groups: it goes out by itself.
    Groups,
    /// Alerts that wait for somebody: it is escalated at once.
    Waiting,
    /// Alerts that are followed until they are over: nobody will be told of its end.
    Followed,
    /// Alerts that hold back others: this one does not.
    Sources,
}

/// Why something is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "by", rename_all = "lowercase")]
pub enum Why {
    /// No other alert has come for so long.
    Time {
        /// So long.
        after: Duration,
    },
    /// A rule says so.
    Rule {
        /// The rule.
        rule: String,
        /// Its alert.
        alert: String,
    },
    /// Somebody says so.
    Hand {
        /// Who.
        who: String,
        /// What he says.
        comment: String,
    },
}

impl Decision {
    /// What kind of decision it is, for metrics and tables.
    pub const fn reason(&self) -> &'static str {
        match self {
            Decision::Limited { .. } => "limited",
            Decision::Passed { .. } => "passed",
            Decision::Repeat => "repeat",
            Decision::Silenced { .. } => "silenced",
            Decision::Inhibited { .. } => "inhibited",
            Decision::Sent { .. } => "sent",
            Decision::Already { .. } => "already",
            Decision::Grouped { quiet: None, .. } => "grouped",
            Decision::Grouped { quiet: Some(_), .. } => "quiet",
            Decision::Postponed { .. } => "postponed",
            Decision::GroupSent { .. } => "group_sent",
            Decision::Lowered { .. } => "lowered",
            Decision::Nowhere { .. } => "nowhere",
            Decision::Unrouted => "unrouted",
            Decision::Crowded { .. } => "crowded",
            Decision::Waits { .. } => "waits",
            Decision::Acknowledged { .. } => "acknowledged",
            Decision::Escalated { .. } => "escalated",
            Decision::Resolved { .. } => "resolved",
        }
    }
}

impl Decision {
    /// The id that it was sent under, or will be, where that is not its own.
    pub fn notification(&self) -> Option<&str> {
        match self {
            Decision::Grouped { notification, .. } | Decision::GroupSent { notification, .. } => {
                Some(notification)
            }
            Decision::Escalated { notification, .. } | Decision::Resolved { notification, .. } => {
                notification.as_deref()
            }
            _ => None,
        }
    }
}

impl Why {
    /// Who says so, if somebody does.
    pub fn who(&self) -> Option<&str> {
        match self {
            Why::Hand { who, .. } => Some(who),
            Why::Time { .. } | Why::Rule { .. } => None,
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Decision::Limited { limit, before } => write!(f, "held: limit {limit}, {before} before it"),
            Decision::Passed { limit, suppressed } => {
                write!(f, "passed: limit {limit}, {suppressed} held before it")
            }
            Decision::Repeat => f.write_str("dropped: decided again, and dealt with before"),
            Decision::Silenced { silence, until, comment } => {
                write!(f, "held: silenced by {silence} until {until}{}", Remark(comment))
            }
            Decision::Inhibited { inhibition, by, until } => {
                write!(f, "held: inhibited by alert {by} until {until} (`{inhibition}`)")
            }
            Decision::Sent { route, sinks } => write!(f, "sent to {} (route `{route}`)", Names(sinks)),
            Decision::Already { route, sinks } => {
                write!(f, "not sent again to {} (route `{route}`)", Names(sinks))
            }
            Decision::Grouped { route, group, due, listed, quiet, .. } => {
                write!(f, "grouped {}", Group(group))?;
                match quiet {
                    Some(quiet) => write!(f, ", held until {due} by the quiet hours `{quiet}`")?,
                    None => write!(f, ", due at {due}")?,
                }
                let counted = if *listed { "" } else { ", only counted" };
                write!(f, "{counted} (route `{route}`)")
            }
            Decision::Postponed { route, quiet, until } => {
                write!(f, "held until {until} by the quiet hours `{quiet}` (route `{route}`)")
            }
            Decision::GroupSent { route, count, sinks, notification } => {
                write!(f, "sent to {} as one of {count} in {notification} (route `{route}`)", Names(sinks))
            }
            Decision::Lowered { route, quiet, until, sinks } => {
                let sinks = Names(sinks);
                write!(f, "sent to {sinks} in the quiet hours `{quiet}`, until {until} (route `{route}`)")
            }
            Decision::Nowhere { route } => write!(f, "dropped: the route `{route}` has no sinks"),
            Decision::Unrouted => {
                f.write_str("dropped: the rule has no `to`, and there are no `default_sinks`")
            }
            Decision::Crowded { what, most } => write!(f, "{what} (there are {most} already)"),
            Decision::Waits { route, until, sinks } => {
                write!(f, "waits for somebody until {until}, then to {} (route `{route}`)", Names(sinks))
            }
            Decision::Acknowledged { by, comment } => write!(f, "acknowledged by {by}{}", Remark(comment)),
            Decision::Escalated { route, after, sinks, .. } => {
                write!(f, "escalated to {}: nobody came for {after} (route `{route}`)", Names(sinks))
            }
            Decision::Resolved { why, sinks, .. } if sinks.is_empty() => write!(f, "resolved: {why}"),
            Decision::Resolved { why, sinks, .. } => write!(f, "resolved: {why}; {} told", Names(sinks)),
        }
    }
}

impl fmt::Display for Crowd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Crowd::Groups => "sent by itself: too many groups are open",
            Crowd::Waiting => "escalated at once: too many alerts wait for somebody",
            Crowd::Followed => "its end will not be told: too many alerts are followed",
            Crowd::Sources => "it holds back no others: too many do",
        })
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Time { after } => write!(f, "no other alert for {after}"),
            Why::Rule { rule, alert } => write!(f, "the rule `{rule}` says so with {alert}"),
            Why::Hand { who, comment } => write!(f, "{who} says so{}", Remark(comment)),
        }
    }
}

/// Names in a row.
struct Names<'a>(&'a [String]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

/// A remark in brackets, if there is one.
struct Remark<'a>(&'a str);

impl fmt::Display for Remark<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " ({})", self.0) }
    }
}

/// What a group has in common.
pub struct Group<'a>(pub &'a Named<Json>);

impl fmt::Display for Group<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Group(Named(labels)) = self;
        if labels.is_empty() {
            return f.write_str("with all");
        }
        let labels: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}={}", plain(value))).collect();
        write!(f, "by {}", labels.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::catalogue::DECISION_REASONS;

    #[test]
    fn people_are_told_why() {
        let until = Timestamp::parse("2026-11-22T18:00:00Z").expect("a time");
        let shown = |decision: Decision| decision.to_string();
        assert_eq!(
            shown(Decision::Silenced { silence: "3f2a".into(), until, comment: "deploy".into() }),
            "held: silenced by 3f2a until 2026-11-22T18:00:00Z (deploy)"
        );
        assert_eq!(
            shown(Decision::Limited { limit: "1 per 1h".into(), before: 3 }),
            "held: limit 1 per 1h, 3 before it"
        );
        let group = Named(vec![("rule".into(), "r".into()), ("n".into(), 1.into())]);
        let (route, notification) = ("day".to_owned(), "n1".to_owned());
        let grouped =
            Decision::Grouped { route, group, notification, due: until, listed: false, quiet: None };
        assert_eq!(
            shown(grouped.clone()),
            "grouped by rule=r, n=1, due at 2026-11-22T18:00:00Z, only counted (route `day`)"
        );
        let text = serde_json::to_string(&grouped).expect("it is plain");
        assert_eq!(serde_json::from_str::<Decision>(&text).expect("it was written"), grouped);
        assert!(DECISION_REASONS.contains(&grouped.reason()));
    }
}
