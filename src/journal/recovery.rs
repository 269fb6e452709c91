//! What is there when a journal is opened: which segments, and where the last one ends.

use std::path::{Path, PathBuf};

use crate::disk::Disk;

use super::error::JournalError;
use super::frames::Frames;
use super::inspect::Place;
use super::segment::{self, Segment, Step};

/// The files of a journal.
#[derive(Debug, Default)]
pub struct Found {
    /// The segments in order.
    pub segments: Vec<Segment>,
    /// What is left of segments that were not begun to the end.
    pub beginnings: Vec<PathBuf>,
}

/// Looks what there is, and changes nothing.
///
/// # Errors
/// When a file cannot be read or is not what its name says.
pub fn find(disk: &dyn Disk, folder: &Path) -> Result<Found, JournalError> {
    let mut found = Found::default();
    for file in disk.list(folder).map_err(JournalError::io("read", folder))? {
        if segment::is_beginning(&file) {
            found.beginnings.push(file);
        } else if segment::is_segment(&file) {
            found.segments.push(Segment::load(disk, &file)?);
        }
    }
    found.segments.sort_by_key(|segment| segment.head.sequence);
    for pair in found.segments.windows(2) {
        let (one, next) = (&pair[0].head, &pair[1].head);
        // What counts of the one may be nothing, but numbers never go back.
        if next.previous < one.previous || next.first <= next.previous {
            let (previous, name) = (next.previous, pair[0].file.display());
            let what = format!("it goes on behind entry {previous}, which does not fit {name}");
            return Err(pair[1].damaged(0, what));
        }
    }
    Ok(found)
}

/// The end of the last segment.
#[derive(Debug)]
pub struct Tail {
    /// The number of the last entry; that of the last one before if it has none.
    pub last: u64,
    /// That entry, if it has one.
    pub newest: Option<Place>,
    /// Where what can be read ends.
    pub end: u64,
    /// How many bytes follow that are nothing.
    pub torn: u64,
    /// Before this everything was synced.
    pub sure: u64,
    /// The entries behind that.
    pub unsure: Frames,
}

/// Finds the end of the last segment.
///
/// # Errors
/// When it cannot be read, or something is broken that was synced.
pub fn tail(disk: &dyn Disk, segment: &Segment) -> Result<Tail, JournalError> {
    let read = || JournalError::io("read", &segment.file);
    let mut walk = segment.walk(disk)?;
    let (mut next, mut newest, mut unsure) = (segment.head.first, None, Frames::default());
    loop {
        let place = walk.place();
        match walk.step().map_err(read())? {
            Step::Mark => unsure = Frames::default(),
            Step::Entry(number) if number == next => {
                next += 1;
                if let Some((_, entry)) = walk.entry() {
                    unsure.push(number, &entry);
                    newest = Some(Place::new(number, &entry));
                }
            }
            Step::Entry(number) => {
                return Err(segment.damaged(place, format!("entry {next} is expected and {number} is there")));
            }
            Step::End => break,
            Step::Broken => {
                if let Some(mark) = walk.mark_behind().map_err(read())? {
                    let what = format!(
                        "entry {next} is broken, and what follows at byte {mark} shows that it was on the disk"
                    );
                    return Err(segment.damaged(place, what));
                }
                break;
            }
        }
    }
    let last = if next > segment.head.first { next - 1 } else { segment.head.previous };
    let (end, sure) = (walk.place(), walk.sure());
    Ok(Tail { last, newest, end, torn: walk.len().saturating_sub(end), sure, unsure })
}
