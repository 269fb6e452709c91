//! What a registry has said, kept within bounds. Time is an argument.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::codec::schemas::{Answer, SchemaId};

/// Most answers.
const MAX_ANSWERS: usize = 10_000;
/// Most bytes of schemas.
const MAX_BYTES: usize = 256 << 20;

/// Answers by id. When there is no room, the oldest ones are forgotten, and asked for again when they
/// are needed.
#[derive(Debug)]
pub(super) struct Cache {
    answers: HashMap<SchemaId, Kept>,
    /// The ids, the oldest first.
    order: VecDeque<SchemaId>,
    bytes: usize,
    absent_for: Duration,
}

#[derive(Debug)]
struct Kept {
    answer: Answer,
    /// When it was given.
    since: Instant,
}

impl Cache {
    /// An empty one, which believes for so long that there is no schema.
    pub(super) fn new(absent_for: Duration) -> Cache {
        Cache { answers: HashMap::new(), order: VecDeque::new(), bytes: 0, absent_for }
    }

    /// How many answers there are.
    pub(super) fn len(&self) -> usize {
        self.answers.len()
    }

    /// What is known at `now`.
    pub(super) fn get(&self, id: SchemaId, now: Instant) -> Option<Answer> {
        let kept = self.answers.get(&id)?;
        let holds = match kept.answer {
            Answer::Schema(_) => true,
            Answer::Absent(_) => now.duration_since(kept.since) < self.absent_for,
        };
        holds.then(|| kept.answer.clone())
    }

    /// The registry has said this at `now`.
    pub(super) fn put(&mut self, id: SchemaId, answer: Answer, now: Instant) {
        self.bytes += size(&answer);
        match self.answers.insert(id, Kept { answer, since: now }) {
            Some(before) => self.bytes -= size(&before.answer),
            None => self.order.push_back(id),
        }
        while self.order.len() > MAX_ANSWERS || (self.bytes > MAX_BYTES && self.order.len() > 1) {
            let Some(oldest) = self.order.pop_front() else { break };
            if let Some(gone) = self.answers.remove(&oldest) {
                self.bytes -= size(&gone.answer);
            }
        }
    }
}

/// About how many bytes an answer takes.
fn size(answer: &Answer) -> usize {
    match answer {
        Answer::Schema(schema) => {
            let references = schema.references.iter();
            schema.text.len() + references.map(|one| one.name.len() + one.text.len()).sum::<usize>()
        }
        Answer::Absent(why) => why.len(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::codec::schemas::{Kind, Registered};

    fn schema(bytes: usize) -> Answer {
        let text = " ".repeat(bytes).into();
        Answer::Schema(Arc::new(Registered { kind: Kind::Avro, text, references: Vec::new() }))
    }

    #[test]
    fn a_schema_is_kept_and_its_absence_only_for_a_while() {
        let (mut cache, now) = (Cache::new(Duration::from_secs(30)), Instant::now());
        let (known, absent) = (SchemaId::Number(1), SchemaId::Number(2));
        cache.put(known, schema(1), now);
        cache.put(absent, Answer::Absent("no".into()), now);
        let after = |id, seconds| cache.get(id, now + Duration::from_secs(seconds)).is_some();
        assert!(after(known, 1_000_000) && after(absent, 29));
        assert!(!after(absent, 30));
        assert!(!after(SchemaId::Number(3), 0));
    }

    #[test]
    fn the_oldest_answers_make_room() {
        let (mut cache, now) = (Cache::new(Duration::ZERO), Instant::now());
        for id in 0..MAX_ANSWERS as u32 + 5 {
            cache.put(SchemaId::Number(id), schema(1), now);
            cache.put(SchemaId::Number(id), schema(1), now);
        }
        assert_eq!((cache.len(), cache.bytes), (MAX_ANSWERS, MAX_ANSWERS));
        assert!(
            cache.get(SchemaId::Number(4), now).is_none() && cache.get(SchemaId::Number(5), now).is_some()
        );
        cache.put(SchemaId::Number(0), schema(MAX_BYTES + 1), now);
        assert_eq!((cache.len(), cache.bytes), (1, MAX_BYTES + 1));
    }
}
