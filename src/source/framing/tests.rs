//! What the tests of all framings share.

use super::{Content, Frame, Frames, Framing};

/// A frame that outlives its bytes.
#[derive(Debug, PartialEq)]
pub(super) enum Seen {
    Record(u64, u64, Vec<u8>),
    Oversized(u64, u64, u64, usize),
    Incomplete(u64, u64, Vec<u8>, String),
    Broken(u64, u64, Vec<u8>, String),
}

pub(super) fn record(offset: u64, number: u64, text: &str) -> Seen {
    Seen::Record(offset, number, text.into())
}

pub(super) fn oversized(offset: u64, number: u64, length: u64, limit: usize) -> Seen {
    Seen::Oversized(offset, number, length, limit)
}

pub(super) fn seen(frame: Frame<'_>) -> Seen {
    let Frame { offset, number, content } = frame;
    match content {
        Content::Record(bytes) => Seen::Record(offset, number, bytes.to_vec()),
        Content::Absent => panic!("bytes are never cut into nothing"),
        Content::Oversized { length, limit } => Seen::Oversized(offset, number, length, limit),
        Content::Incomplete { bytes, why } => Seen::Incomplete(offset, number, bytes.to_vec(), why),
        Content::Broken { bytes, why } => Seen::Broken(offset, number, bytes.to_vec(), why),
    }
}

/// Everything a cutter says about `bytes` that come in pieces of the given sizes, and then one by one.
pub(super) fn cut(
    frames: &mut dyn Frames,
    bytes: &[u8],
    sizes: impl IntoIterator<Item = usize>,
) -> Vec<Seen> {
    let mut sizes = sizes.into_iter();
    let mut out = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let space = frames.space();
        let count = sizes.next().unwrap_or(1).clamp(1, rest.len().min(space.len()));
        space[..count].copy_from_slice(&rest[..count]);
        frames.filled(count);
        rest = &rest[count..];
        while let Some(frame) = frames.next() {
            out.push(seen(frame));
        }
    }
    while let Some(frame) = frames.last() {
        out.push(seen(frame));
    }
    assert_eq!(frames.pending(), 0, "nothing is left when the bytes have ended");
    out
}

/// What is left of one file or datagram is no part of the next.
#[test]
fn after_the_end_other_bytes_may_begin() {
    let framings = [
        (Framing::Lines, &b"{1}"[..], 2),
        (Framing::Datagram, b"{1}\n{2}", 2),
        (Framing::Csv { delimiter: b',' }, b"{1}", 2),
        (Framing::Csv { delimiter: b',' }, b"1,\"2\n", 3),
        (Framing::OctetCounting, b"<1>", 2),
        (Framing::OctetCounting, b"9", 2),
        (Framing::OctetCounting, b"9 1", 2),
        (Framing::OctetCounting, b"99 1", 2),
        (Framing::OctetCounting, b"0", 2),
        (Framing::LengthPrefixed, b"\0\0", 2),
        (Framing::Datagram, b"{1", 2),
        (Framing::LengthPrefixed, b"\0\0\0\x09 1", 2),
        (Framing::LengthPrefixed, b"\0\0\0\x63 1", 2),
    ];
    for (framing, left, number) in framings {
        let mut frames = framing.frames(10);
        assert_eq!(cut(&mut *frames, left, [2]).len(), 1, "{framing:?} of {left:?}");
        let offset = left.len() as u64;
        let next = match framing {
            Framing::Lines | Framing::Csv { .. } | Framing::Datagram => &b"next"[..],
            Framing::OctetCounting => b"4 next",
            Framing::LengthPrefixed => b"\0\0\0\x04next",
        };
        assert_eq!(
            cut(&mut *frames, next, [3]),
            [record(offset, number, "next")],
            "{framing:?} after {left:?}"
        );
    }
}

/// What is sent is found again, one record behind the other.
#[test]
fn what_is_sent_is_what_is_cut_out() {
    let csv = Framing::Csv { delimiter: b',' };
    for framing in [Framing::Lines, csv, Framing::OctetCounting, Framing::LengthPrefixed] {
        let records = [&b"1"[..], b"\"a\",b", b"<34>x"];
        let wire: Vec<u8> = records.iter().flat_map(|record| framing.wire(record)).collect();
        let cut: Vec<Vec<u8>> = cut(&mut *framing.frames(100), &wire, [3, 1, 100])
            .into_iter()
            .map(|seen| match seen {
                Seen::Record(_, _, bytes) => bytes,
                other => panic!("{framing:?}: {other:?}"),
            })
            .collect();
        assert_eq!(cut, records, "{framing:?}");
    }
    let wire = Framing::Datagram.wire(b"a\nb");
    assert_eq!(cut(&mut *Framing::Datagram.frames(100), &wire, []), [record(0, 1, "a\nb")]);
    for framing in [csv, Framing::OctetCounting, Framing::LengthPrefixed] {
        let wire = framing.wire(b"\"a\nb\"");
        assert_eq!(cut(&mut *framing.frames(100), &wire, []).len(), 1, "{framing:?}");
    }
}
