//! Gets entries back, in order.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::disk::Disk;

use super::Entry;
use super::error::JournalError;
use super::segment::{Segment, Step, Walk};

/// Goes over entries in order of their numbers.
#[derive(Debug)]
pub struct Reader {
    disk: Arc<dyn Disk>,
    /// What is still to be read, each with the number of the last entry that counts.
    segments: VecDeque<(Segment, u64)>,
    /// The segment that is being read.
    current: Option<Walk>,
    /// The number of the entry that comes next.
    next: u64,
    from: u64,
}

impl Reader {
    /// Reads these segments, which follow each other, from an entry on. `last`: the number of the last
    /// entry of all.
    pub(super) fn new(disk: Arc<dyn Disk>, segments: &[Segment], last: u64, from: u64) -> Reader {
        let nexts = segments.iter().skip(1).map(|next| next.head.previous);
        let lasts = nexts.chain([last]);
        let segments = segments.iter().cloned().zip(lasts).filter(|(_, last)| *last >= from).collect();
        Reader { disk, segments, current: None, next: 0, from }
    }

    /// The next entry with its number; `None` behind the last.
    ///
    /// # Errors
    /// When a file cannot be read or is damaged. The entry is not passed over: asking again gives the
    /// error again.
    pub fn read(&mut self) -> Result<Option<(u64, Entry<'_>)>, JournalError> {
        while let Some((segment, last)) = self.segments.front() {
            let walk = match &mut self.current {
                Some(walk) => walk,
                None => {
                    self.next = segment.head.first;
                    self.current.insert(segment.walk(&*self.disk)?)
                }
            };
            if self.next > *last {
                self.current = None;
                self.segments.pop_front();
                continue;
            }
            let place = walk.place();
            match walk.step().map_err(JournalError::io("read", &segment.file))? {
                Step::Mark => {}
                Step::Entry(number) if number == self.next => {
                    self.next += 1;
                    if number >= self.from {
                        break;
                    }
                }
                step => return Err(self.missing(place, step)),
            }
        }
        Ok(self.current.as_ref().and_then(Walk::entry))
    }

    /// The error for an entry that is not where it should be.
    fn missing(&mut self, place: u64, step: Step) -> JournalError {
        // The next try begins at the front of the segment, to come to the same place again.
        self.current = None;
        let (segment, last) = self.segments.front().expect("one is being read");
        let next = self.next;
        let what = match step {
            Step::Entry(number) => format!("entry {next} is expected and {number} is there"),
            Step::End => format!("it ends, and entries {next} to {last} should follow"),
            Step::Mark | Step::Broken => {
                format!(
                    "entry {next} is broken; up to {last} entries of this file cannot be read",
                    last = last - next + 1
                )
            }
        };
        segment.damaged(place, what)
    }
}
