//! An alert as bytes.
//!
//! It says all by itself, as the rule that made it may have been changed before it is sent.

use std::sync::Arc;

use compact_str::CompactString;

use super::{Alert, AlertKind, Notes, Severity};
use crate::event::stored::{EventWriter, Events, StreamNumbers};
use crate::event::{Event, Timestamp, Value};
use crate::stored::{Damaged, Reader, Writer};

impl Alert {
    /// Writes it.
    pub(crate) fn write(&self, w: &mut EventWriter, streams: &StreamNumbers) {
        let body = &mut w.body;
        body.text(&self.id);
        body.text(&self.rule);
        body.text(&self.fingerprint);
        body.byte(place(&Severity::ALL, self.severity));
        body.text(&self.title);
        body.byte(place(&AlertKind::ALL, self.kind));
        self.notes.write(body);
        write_named(body, &self.key);
        self.first_time.write(body);
        self.last_time.write_after(self.first_time, body);
        self.decided_time.write_after(self.last_time, body);
        body.number(self.suppressed);
        write_named(body, &self.fields);
        body.list(&self.tables, |w, (name, version)| {
            w.text(name);
            w.text(version);
        });
        body.list(self.sinks.iter(), |w, sink| w.text(sink));
        body.size(self.events.len());
        for (name, events) in &self.events {
            w.body.text(name);
            w.body.size(events.len());
            events.iter().for_each(|event| w.event(event, streams));
        }
    }

    /// Reads one.
    pub(crate) fn read(r: &mut Reader<'_>, events: &Events) -> Result<Alert, Damaged> {
        let (id, rule, fingerprint) = (r.text()?.to_owned(), r.text()?.into(), r.text()?.into());
        let severity = Severity::ALL[r.place(Severity::ALL.len())?];
        let title = r.text()?.to_owned();
        let kind = AlertKind::ALL[r.place(AlertKind::ALL.len())?];
        let notes = Arc::new(Notes::read(r)?);
        let key = read_named(r)?;
        let first_time = Timestamp::read(r)?;
        let last_time = Timestamp::read_after(first_time, r)?;
        let decided_time = Timestamp::read_after(last_time, r)?;
        let suppressed = r.number()?;
        let fields = read_named(r)?;
        let tables = r.list(|r| Ok((r.text()?.into(), r.text()?.into())))?;
        let sinks: Vec<String> = r.list(|r| r.text().map(str::to_owned))?;
        let captured = |r: &mut Reader<'_>| -> Result<(CompactString, Vec<Event>), Damaged> {
            let name = r.text()?.into();
            // Alerts show the records of events, whatever has become of their streams.
            let event = |r: &mut Reader<'_>| events.next_of_any(r).map(|(_, event)| event.clone());
            Ok((name, r.list(event)?))
        };
        Ok(Alert {
            id,
            rule,
            fingerprint,
            severity,
            title,
            kind,
            notes,
            key,
            first_time,
            last_time,
            decided_time,
            suppressed,
            fields,
            events: r.list(captured)?,
            tables,
            sinks: Arc::from(sinks),
        })
    }
}

/// The place of something in a short list that has it.
fn place<T: PartialEq>(list: &[T], wanted: T) -> u8 {
    let place = list.iter().position(|known| *known == wanted);
    place.expect("the list has all that there are") as u8
}

fn write_named(w: &mut Writer, named: &[(CompactString, Value)]) {
    w.list(named, |w, (name, value)| {
        w.text(name);
        value.write(w);
    });
}

fn read_named(r: &mut Reader<'_>) -> Result<Vec<(CompactString, Value)>, Damaged> {
    r.list(|r| Ok((r.text()?.into(), Value::read(r)?)))
}
