//! Silences: for a time, nobody is told of some alerts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::{Duration, Timestamp, digest};

use super::facts::Facts;
use super::kept::{Kept, Row};
use super::matcher::Matcher;

/// So many silences may there be that are not over.
pub const MOST: usize = 1_000;
/// So long one is shown that is over.
const SHOWN: Duration = Duration::from_micros(5 * Duration::DAY.as_micros());
/// The longest that one can last.
pub const LONGEST: Duration = Duration::from_micros(366 * Duration::DAY.as_micros());
/// The most letters of an author or a comment.
const LONGEST_TEXT: usize = 1_000;

/// A silence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Silence {
    /// What it is called by.
    pub id: String,
    /// The alerts that it is about.
    #[serde(rename = "match")]
    pub matcher: Matcher,
    /// When it begins.
    pub starts: Timestamp,
    /// When it ends.
    pub ends: Timestamp,
    /// Who has made it.
    pub author: String,
    /// Why.
    pub comment: String,
    /// When it was made.
    pub created: Timestamp,
    /// Who has ended it before its time, if somebody has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<String>,
}

/// A silence that is wanted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({
    "match": {"rules": ["card_*"]}, "ends": "2026-01-01T18:00:00Z", "author": "ana", "comment": "deploy"
})))]
pub struct NewSilence {
    /// The alerts that it is to be about.
    #[serde(rename = "match")]
    pub matcher: Matcher,
    /// When it is to begin; at once, if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts: Option<Timestamp>,
    /// When it is to end.
    pub ends: Timestamp,
    /// Who wants it.
    #[schema(min_length = 1, max_length = 1_000, pattern = r"\S")]
    pub author: String,
    /// Why.
    #[serde(default)]
    #[schema(max_length = 1_000)]
    pub comment: String,
}

/// Why something cannot be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It would silence everything.
    #[error("a silence has to say which alerts it is about: a rule, a severity, a tag, a kind or a field")]
    Everything,
    /// It has no time.
    #[error("the silence would end at {ends}, which is not after {after}")]
    Over {
        /// When it would end.
        ends: Timestamp,
        /// After what it has to.
        after: Timestamp,
    },
    /// It would last too long.
    #[error(
        "a silence lasts {LONGEST} at most; leave the alerts out by a route, if nobody is ever to be told of them"
    )]
    Long,
    /// A text is missing or too long.
    #[error("`{what}` has to have {least} to {LONGEST_TEXT} letters")]
    Text {
        /// Which.
        what: &'static str,
        /// How many letters it needs.
        least: usize,
    },
    /// There are too many.
    #[error("there are {MOST} silences already; end some of them")]
    Many,
    /// There is none of that id.
    #[error("there is no {what} `{id}`{hint}")]
    Unknown {
        /// What was looked for.
        what: &'static str,
        /// Its id.
        id: String,
        /// What may help.
        hint: &'static str,
    },
    /// Several ids begin so.
    #[error("several {what}s begin with `{id}`; give more of the id")]
    Ambiguous {
        /// What was looked for.
        what: &'static str,
        /// The beginning of the ids.
        id: String,
    },
    /// It is over.
    #[error("the silence `{id}` ended at {ends}")]
    Ended {
        /// Its id.
        id: String,
        /// When.
        ends: Timestamp,
    },
}

impl Silence {
    /// Whether it holds.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.starts <= now && now < self.ends
    }

    /// Whether it is over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.ends <= now
    }
}

impl Row for Silence {
    const TABLE: u8 = b's';

    fn due(&self) -> Option<Timestamp> {
        Some(self.ends)
    }
}

/// All silences.
#[derive(Debug, Default)]
pub struct Silences {
    pub(super) rows: Kept<Silence>,
}

impl Silences {
    /// The one that holds and is about an alert; of several that which ends last.
    pub fn about(&self, facts: &Facts, now: Timestamp) -> Option<&Silence> {
        let mut holding = self.rows.not_due(now).filter(|silence| silence.holds(now));
        holding.find(|silence| silence.matcher.check(facts).is_ok())
    }

    /// Has these as well, which were made elsewhere.
    pub fn take_over(&mut self, silences: Vec<Silence>) {
        silences.into_iter().for_each(|silence| self.rows.put(silence.id.clone(), silence));
    }

    /// How many hold.
    pub fn holding(&self, now: Timestamp) -> usize {
        self.rows.not_due(now).filter(|silence| silence.holds(now)).count()
    }

    /// All that there are, the one that ends first before the others.
    pub fn list(&self) -> Vec<Silence> {
        let mut all: Vec<Silence> = self.rows.iter().map(|(_, silence)| silence.clone()).collect();
        all.sort_by(|one, other| (one.ends, &one.id).cmp(&(other.ends, &other.id)));
        all
    }

    /// Makes one.
    ///
    /// # Errors
    /// When it makes no sense, or there are too many.
    pub fn add(&mut self, wanted: NewSilence, now: Timestamp) -> Result<Silence, Refused> {
        let NewSilence { matcher, starts, ends, author, comment } = wanted;
        let starts = starts.unwrap_or(now);
        let after = starts.max(now);
        if matcher.is_empty() {
            return Err(Refused::Everything);
        }
        if ends <= after {
            return Err(Refused::Over { ends, after });
        }
        if ends > starts.saturating_add(LONGEST) {
            return Err(Refused::Long);
        }
        check_text("author", &author, 1)?;
        check_text("comment", &comment, 0)?;
        if self.rows.not_due(now).count() >= MOST {
            return Err(Refused::Many);
        }
        let meaning = format!("{matcher}\n{starts}\n{ends}\n{author}\n{comment}\n{now}");
        let ids = (0..).map(|try_number| digest(&format!("{meaning}\n{try_number}"))[..8].to_owned());
        let id = ids.into_iter().find(|id| self.rows.get(id).is_none());
        let id = id.expect("there are more ids than silences");
        let silence =
            Silence { id: id.clone(), matcher, starts, ends, author, comment, created: now, ended_by: None };
        self.rows.put(id, silence.clone());
        Ok(silence)
    }

    /// Ends one now. `id` may be the beginning of its id.
    ///
    /// # Errors
    /// When there is none, or it is over.
    pub fn end(&mut self, id: &str, by: &str, now: Timestamp) -> Result<Silence, Refused> {
        let id = one_of("silence", "", id, self.rows.iter().map(|(id, _)| id.as_str()))?.to_owned();
        let end = |silence: &mut Silence| {
            if silence.is_over(now) {
                return Err(Refused::Ended { id: silence.id.clone(), ends: silence.ends });
            }
            (silence.ends, silence.starts) = (now, silence.starts.min(now));
            silence.ended_by = Some(by.to_owned());
            Ok(silence.clone())
        };
        self.rows.change(&id, end).expect("it was just found")
    }

    /// Forgets those that have been over for long.
    pub fn forget(&mut self, now: Timestamp) {
        self.rows.take_due(now.saturating_sub(SHOWN));
    }
}

/// Looks whether somebody says enough and not too much. Space alone says nothing.
///
/// # Errors
/// When it is too little or too much.
pub fn check_text(what: &'static str, text: &str, least: usize) -> Result<(), Refused> {
    let is_enough = text.trim().chars().count() >= least && text.chars().count() <= LONGEST_TEXT;
    if is_enough { Ok(()) } else { Err(Refused::Text { what, least }) }
}

/// The one of these ids that is meant by it or its beginning.
///
/// # Errors
/// When none is, or several are.
pub fn one_of<'i>(
    what: &'static str,
    hint: &'static str,
    id: &str,
    ids: impl Iterator<Item = &'i str>,
) -> Result<&'i str, Refused> {
    let (mut found, mut count) = (None, 0);
    for known in ids.filter(|known| !id.is_empty() && known.starts_with(id)) {
        if known == id {
            return Ok(known);
        }
        (found, count) = (Some(known), count + 1);
    }
    match found {
        Some(found) if count == 1 => Ok(found),
        Some(_) => Err(Refused::Ambiguous { what, id: id.to_owned() }),
        None => Err(Refused::Unknown { what, id: id.to_owned(), hint }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_micros(second * 1_000_000)
    }

    fn wanted(rule: &str, ends: i64) -> NewSilence {
        let matcher = Matcher { rules: vec![rule.parse().expect("a pattern")], ..Matcher::default() };
        NewSilence { matcher, starts: None, ends: at(ends), author: "ana".into(), comment: String::new() }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let mut silences = Silences::default();
        let all = NewSilence { matcher: Matcher::default(), ..wanted("r", 20) };
        assert_eq!(silences.add(all, at(10)), Err(Refused::Everything));
        assert_eq!(silences.add(wanted("r", 10), at(10)), Err(Refused::Over { ends: at(10), after: at(10) }));
        let nobody = NewSilence { author: " ".into(), ..wanted("r", 20) };
        assert_eq!(silences.add(nobody, at(10)), Err(Refused::Text { what: "author", least: 1 }));
        assert_eq!(silences.add(wanted("r", i64::MAX / 1_000_000), at(10)), Err(Refused::Long));
        for _ in 0..MOST {
            silences.add(wanted("r", 20), at(10)).expect("there is room, and each has an id of its own");
        }
        assert_eq!(silences.add(wanted("r", 30), at(10)), Err(Refused::Many));
        silences.add(wanted("r", 30), at(20)).expect("the others are over");
        silences.forget(at(20).saturating_add(SHOWN));
        assert_eq!(silences.list().len(), 1);
    }

    #[test]
    fn they_are_ended_by_the_beginning_of_their_ids() {
        let mut silences = Silences::default();
        let silence = silences.add(wanted("r", 100), at(10)).expect("it makes sense");
        assert!(matches!(silences.end("", "b", at(20)), Err(Refused::Unknown { .. })));
        let ended = silences.end(&silence.id[..3], "bo", at(20)).expect("it is there");
        assert_eq!((ended.ends, ended.ended_by.as_deref()), (at(20), Some("bo")));
        assert!(matches!(silences.end(&silence.id, "b", at(21)), Err(Refused::Ended { .. })));
        let ids = ["ab1", "ab2", "ab"];
        assert_eq!(one_of("x", "", "ab", ids.into_iter()), Ok("ab"));
        assert!(matches!(one_of("x", "", "a", ids.into_iter()), Err(Refused::Ambiguous { .. })));
    }
}
