//! What a rule says of itself to those who get its alerts.

use std::fmt;

use serde::ser::SerializeMap;

use crate::event::Duration;
use crate::stored::{Damaged, Reader, Writer};

/// What every alert of a rule carries for those who get it. It decides nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// What the rule is about, in its author's words.
    pub about: Option<String>,
    /// Words to find and sort it by.
    pub tags: Vec<String>,
    /// Where it is written what to do about its alerts.
    pub runbook: Option<String>,
    /// How many of its alerts pass.
    pub limit: Option<Passing>,
}

/// How many alerts of a rule and key `limit` lets pass. In JSON it is text: `1 per 1h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passing {
    /// So many,
    pub count: u64,
    /// each so long.
    pub per: Duration,
}

impl fmt::Display for Passing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} per {}", self.count, self.per)
    }
}

impl Notes {
    /// Writes what there is into the object of an alert.
    pub(super) fn serialize_into<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        if let Some(about) = &self.about {
            map.serialize_entry("about", about)?;
        }
        map.serialize_entry("tags", &self.tags)?;
        if let Some(runbook) = &self.runbook {
            map.serialize_entry("runbook", runbook)?;
        }
        if let Some(limit) = &self.limit {
            map.serialize_entry("limit", &format_args!("{limit}"))?;
        }
        Ok(())
    }

    pub(super) fn write(&self, w: &mut Writer) {
        w.option(self.about.as_ref(), |w, about| w.text(about));
        w.list(&self.tags, |w, tag| w.text(tag));
        w.option(self.runbook.as_ref(), |w, runbook| w.text(runbook));
        w.option(self.limit.as_ref(), |w, Passing { count, per }| {
            w.number(*count);
            w.signed(per.as_micros());
        });
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Notes, Damaged> {
        let text = |r: &mut Reader<'_>| r.text().map(str::to_owned);
        let limit =
            |r: &mut Reader<'_>| Ok(Passing { count: r.number()?, per: Duration::from_micros(r.signed()?) });
        Ok(Notes {
            about: r.option(text)?,
            tags: r.list(text)?,
            runbook: r.option(text)?,
            limit: r.option(limit)?,
        })
    }
}
