//! The bytes of positions, format 1: what [`crate::stored`] makes of numbers, texts and lists.
//!
//! ```text
//! positions  version 1 | journal | streams: name, next, partitions
//! partition  number | open? | source | from: 0 peer, 1, 2 path, 3 topic and its partition | offset | number | header? | journal | file?
//! file       current?: piece | left: pieces | size?
//! piece      device | inode | born? | read | length and checksum of its first bytes
//! ```

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use crate::event::PartitionId;
use crate::stored::{Damaged, Reader, Writer};

use super::{
    FileId, FileReached, Head, Kind, Origin, PartitionPosition, Piece, Positions, Reached, StreamPositions,
    topic,
};

/// The format that this program writes, and the only one that it reads.
const VERSION: u64 = 1;

impl Positions {
    /// Their bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.number(VERSION);
        w.number(self.journal);
        w.list(&self.streams, |w, (name, stream)| {
            w.text(name);
            w.number(stream.next);
            w.list(&stream.partitions, |w, (PartitionId(number), position)| {
                w.number(u64::from(*number));
                position.write(w);
            });
        });
        w.into_bytes()
    }

    /// The positions that are stored, where nothing is stored before a source has begun.
    ///
    /// # Errors
    /// As for [`Positions::decode`].
    pub fn of_stored(bytes: &[u8]) -> Result<Positions, Damaged> {
        if bytes.is_empty() { Ok(Positions::default()) } else { Positions::decode(bytes) }
    }

    /// The positions that these bytes are.
    ///
    /// # Errors
    /// When they are none, or those of another version.
    pub fn decode(bytes: &[u8]) -> Result<Positions, Damaged> {
        let mut r = Reader::new(bytes);
        if r.number()? != VERSION {
            return Err(Damaged::new(
                "the positions of sources have a format that this program does not know",
            ));
        }
        let journal = r.number()?;
        let streams = r.list(|r| {
            let (name, next) = (r.text()?, r.number()?);
            let partitions = r.list(|r| Ok((PartitionId(r.small()?), PartitionPosition::read(r)?)))?;
            let partitions = unique(partitions)?;
            let last = partitions.keys().rfind(|number| !topic::has_own_number(**number));
            if last.is_some_and(|last| u64::from(last.0) >= next) {
                return Err(Damaged::new("a partition has a number that was never given"));
            }
            Ok((Box::from(name), StreamPositions { next, partitions }))
        })?;
        r.end()?;
        Ok(Positions { journal, streams: unique(streams)? })
    }
}

/// The same as a map.
fn unique<K: Ord, V>(list: Vec<(K, V)>) -> Result<std::collections::BTreeMap<K, V>, Damaged> {
    if !list.is_sorted_by(|(one, _), (next, _)| one < next) {
        return Err(Damaged::new("a stream or partition is there twice, or not in its place"));
    }
    Ok(list.into_iter().collect())
}

impl PartitionPosition {
    fn write(&self, w: &mut Writer) {
        w.flag(self.is_open);
        self.origin.write(w);
        let Reached { offset, number, header, journal, file } = &self.reached;
        w.number(*offset);
        w.number(*number);
        w.option(header.as_deref(), Writer::bytes);
        w.number(*journal);
        w.option(file.as_deref(), |w, file| {
            w.option(file.current.as_ref(), write_piece);
            w.list(file.left.iter(), write_piece);
            w.option(file.ended, Writer::number);
        });
    }

    fn read(r: &mut Reader<'_>) -> Result<PartitionPosition, Damaged> {
        let is_open = r.flag()?;
        let origin = Arc::new(Origin::read(r)?);
        let (offset, number) = (r.number()?, r.number()?);
        let header = r.option(Reader::bytes)?.map(Arc::from);
        let journal = r.number()?;
        let file = r.option(|r| {
            let current = r.option(read_piece)?;
            let left = r.list(read_piece)?.into();
            Ok(Arc::new(FileReached { current, left, ended: r.option(Reader::number)? }))
        })?;
        Ok(PartitionPosition { origin, is_open, reached: Reached { offset, number, header, journal, file } })
    }
}

impl Origin {
    pub(in crate::source) fn write(&self, w: &mut Writer) {
        w.text(&self.source);
        match &self.kind {
            Kind::Connection(peer) => {
                w.byte(0);
                w.text(peer);
            }
            Kind::Source => w.byte(1),
            Kind::File(path) => {
                w.byte(2);
                w.bytes(path.as_os_str().as_bytes());
            }
            Kind::Kafka { topic, partition } => {
                w.byte(3);
                w.text(topic);
                w.number(u64::from(*partition));
            }
        }
    }

    pub(in crate::source) fn read(r: &mut Reader<'_>) -> Result<Origin, Damaged> {
        let source = r.text()?.into();
        let kind = match r.byte()? {
            0 => Kind::Connection(r.text()?.into()),
            1 => Kind::Source,
            2 => Kind::File(Path::new(OsStr::from_bytes(r.bytes()?)).into()),
            3 => Kind::Kafka { topic: r.text()?.into(), partition: r.small()? },
            _ => return Err(Damaged::new("there is no such kind of partition")),
        };
        Ok(Origin { source, kind })
    }
}

fn write_piece(w: &mut Writer, piece: &Piece) {
    let Piece { file: FileId { device, inode, born }, read, head } = piece;
    w.number(*device);
    w.number(*inode);
    w.option(*born, Writer::signed);
    w.number(*read);
    w.number(u64::from(head.length));
    w.number(u64::from(head.crc));
}

fn read_piece(r: &mut Reader<'_>) -> Result<Piece, Damaged> {
    let file = FileId { device: r.number()?, inode: r.number()?, born: r.option(Reader::signed)? };
    let read = r.number()?;
    let length = u16::try_from(r.number()?).ok().filter(|length| usize::from(*length) <= Head::MOST);
    let length = length.ok_or(Damaged::new("more of a file's beginning was looked at than there is"))?;
    Ok(Piece { file, read, head: Head { length, crc: r.small()? } })
}
