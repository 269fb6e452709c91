//! What a `limit` counts for a key, as bytes. When something of it can be forgotten, its times say.

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::{Each, Group, Groups, MAX_GROUPS, Passed, Recent};
use crate::event::{Timestamp, Value};
use crate::language::checked::Limit;
use crate::stored::{Damaged, Reader, Writer};

impl Passed {
    /// Writes it.
    pub fn store(&self, w: &mut Writer) {
        match &self.groups {
            Groups::One(recent) => recent.store(w),
            Groups::Each(each) => each.store(w),
        }
    }

    /// Reads what a limit counts.
    pub fn restore(limit: &Limit, r: &mut Reader<'_>) -> Result<Passed, Damaged> {
        let groups = match limit.for_each.len() {
            0 => Groups::One(Recent::restore(r)?),
            values => Groups::Each(Box::new(Each::restore(values, r)?)),
        };
        Ok(Passed { due: Timestamp::MAX, groups })
    }
}

impl Recent {
    fn store(&self, w: &mut Writer) {
        w.size(self.times.len());
        let mut last = Timestamp::default();
        for time in &self.times {
            time.write_after(last, w);
            last = *time;
        }
        w.number(self.held_back);
    }

    fn restore(r: &mut Reader<'_>) -> Result<Recent, Damaged> {
        let mut times: SmallVec<[Timestamp; 2]> = SmallVec::new();
        for _ in 0..r.len()? {
            let time = Timestamp::read_after(times.last().copied().unwrap_or_default(), r)?;
            if times.last().is_some_and(|last| *last > time) {
                return Err(Damaged::new("alerts have passed in another order than time"));
            }
            times.push(time);
        }
        if times.is_empty() {
            return Err(Damaged::new("a limit counts alerts of which none has passed"));
        }
        Ok(Recent { times, held_back: r.count()? })
    }
}

impl Each {
    /// The groups in their order: their numbers begin anew.
    fn store(&self, w: &mut Writer) {
        w.size(self.order.range(..self.over).count());
        w.list(self.order.values(), |w, group| {
            group.iter().for_each(|value| value.write(w));
            self.recent[group].1.store(w);
        });
    }

    fn restore(values: usize, r: &mut Reader<'_>) -> Result<Each, Damaged> {
        let over = r.count()?;
        let count = r.len()?;
        if count > MAX_GROUPS || over > count as u64 {
            return Err(Damaged::new("a limit counts more groups than there can be"));
        }
        let mut each = Each { recent: HashMap::default(), over, count: count as u64, ..Each::default() };
        for number in 0..count as u64 {
            let group: Result<Group, Damaged> = (0..values).map(|_| Value::read(r)).collect();
            let group = group?;
            let recent = Recent::restore(r)?;
            each.order.insert(number, group.clone());
            if each.recent.insert(group, (number, recent)).is_some() {
                return Err(Damaged::new("a limit counts a group twice"));
            }
        }
        Ok(each)
    }
}
