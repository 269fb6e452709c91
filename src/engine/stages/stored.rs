//! Alerts that wait until other rules can read them, as bytes.

use std::sync::Arc;

use super::{Inbox, Pending, Read};
use crate::event::stored::{EventWriter, Events};
use crate::event::{Event, FieldId, StreamId, Timestamp, Value};
use crate::program::{Program, RuleId};
use crate::shard::Order;
use crate::shard::legend::{Left, Legend, Meaning};
use crate::stored::{Damaged, Reader};

impl Pending {
    /// Writes it.
    pub fn store(&self, legend: &Legend, w: &mut EventWriter) {
        w.body.size(self.inboxes.len());
        self.inboxes.iter().for_each(|inbox| inbox.store(legend, w));
        let counted = (0..).map(RuleId).zip(&self.left_out).filter(|(_, count)| **count > 0);
        let counted: Vec<_> =
            counted.filter_map(|(rule, count)| Some((legend.runs(rule)?, *count))).collect();
        w.body.list(counted, |w, (number, count)| {
            w.number(number.into());
            w.number(count);
        });
    }

    /// Whether an alert of a rule waits, or one that followed from such.
    pub fn has_of(&self, rule: RuleId) -> bool {
        let mut orders = self.inboxes.iter().flat_map(|inbox| inbox.alerts.keys().map(|(order, _)| order));
        orders.any(|order| order.rules().any(|of| of == rule))
    }

    /// How many alerts of a rule wait, of several places that they wait at each counted.
    pub fn count_of(&self, rule: RuleId) -> u64 {
        let orders = self.inboxes.iter().flat_map(|inbox| inbox.alerts.keys().map(|(order, _)| order));
        orders.filter(|order| order.rules().last() == Some(rule)).count() as u64
    }

    /// Reads it.
    pub fn restore(
        program: &Program,
        meaning: &Meaning,
        r: &mut Reader<'_>,
        events: &Events,
        left: &mut [Left],
    ) -> Result<Pending, Damaged> {
        let mut pending = Pending::default();
        for stratum in 0..r.len()? {
            let inbox = Inbox::restore(stratum, program, meaning, r, events, left)?;
            if stratum < program.strata() {
                pending.inboxes.push(inbox);
            }
        }
        pending.left_out = vec![0; program.compiled().len()];
        for _ in 0..r.len()? {
            let (number, count) = (r.small()?, r.count()?);
            if let Some(rule) = meaning.rule(number) {
                pending.left_out[rule.0 as usize] = count;
            }
        }
        Ok(pending)
    }
}

impl Inbox {
    fn store(&self, legend: &Legend, w: &mut EventWriter) {
        w.body.size(self.alerts.len());
        for ((order, stream), read) in &self.alerts {
            order.store(legend, &mut w.body);
            let (values, raw) = (read.values.clone(), read.raw.clone());
            let event = Event::of_alert(*stream, order.time, 0, read.id.as_str(), values, raw);
            w.passing_event(&event, &legend.streams);
        }
        w.body.number(self.count);
        w.body.option(self.moment, |w, (time, count)| {
            time.write(w);
            w.size(count);
        });
        let left_out: Vec<u32> = self.left_out.iter().filter_map(|rule| legend.runs(*rule)).collect();
        w.body.list(left_out, |w, number| w.number(number.into()));
    }

    /// Reads what waits for the rules of a stratum. What has to do with rules that are left out is, too; and
    /// what no rule reads any more goes.
    fn restore(
        stratum: usize,
        program: &Program,
        meaning: &Meaning,
        r: &mut Reader<'_>,
        events: &Events,
        left: &mut [Left],
    ) -> Result<Inbox, Damaged> {
        let mut inbox = Inbox::default();
        let is_read =
            |stream: StreamId| stratum < program.strata() && !program.routes(stratum, stream).is_empty();
        for _ in 0..r.len()? {
            let (order, rule) = Order::restore(meaning, r)?;
            let (is_there, event) = events.next_of_any(r)?;
            match order.filter(|_| is_there) {
                Some(order) => {
                    let read = Read::restore(program, event)?;
                    if is_read(event.stream()) {
                        inbox.alerts.insert((order, event.stream()), Arc::new(read));
                    }
                }
                None => {
                    let place = rule.and_then(|number| meaning.left_place(number));
                    place.into_iter().for_each(|place| left[place].alerts += 1);
                }
            }
        }
        inbox.count = r.count()?;
        inbox.moment = r.option(|r| Ok((Timestamp::read(r)?, r.count()? as usize)))?;
        inbox.left_out =
            r.list(Reader::small)?.into_iter().filter_map(|number| meaning.rule(number)).collect();
        Ok(inbox)
    }
}

impl Read {
    fn restore(program: &Program, event: &Event) -> Result<Read, Damaged> {
        let id = event.alert().ok_or(Damaged::new("an event that waits was made of no alert"))?;
        let fields = (0..program.schema(event.stream()).fields.len() as u32).map(FieldId);
        let values: Vec<Value> = fields.map(|field| event.value(field).clone()).collect();
        Ok(Read { id: id.to_owned(), values, raw: event.raw().to_vec() })
    }
}
