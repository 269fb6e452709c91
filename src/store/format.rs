//! Numbers, texts and sealed values as bytes. Numbers are little-endian.

use crc32fast::Hasher;

/// The bytes of a checksum.
const CRC: usize = 4;

/// Puts a value together.
#[derive(Debug, Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    pub fn u8(mut self, number: u8) -> Writer {
        self.0.push(number);
        self
    }

    pub fn u32(mut self, number: u32) -> Writer {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    pub fn u64(mut self, number: u64) -> Writer {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    pub fn i64(mut self, number: i64) -> Writer {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    /// Bytes with their length before them.
    ///
    /// # Panics
    /// When they are longer than 4 GiB: the caller has checked that they are not.
    pub fn bytes(self, bytes: &[u8]) -> Writer {
        let length = u32::try_from(bytes.len()).expect("the length has been checked");
        self.u32(length).rest(bytes)
    }

    /// Bytes without their length.
    pub fn rest(mut self, bytes: &[u8]) -> Writer {
        self.0.extend_from_slice(bytes);
        self
    }

    pub fn done(self) -> Vec<u8> {
        self.0
    }

    /// What was put together, with a checksum that also covers where it is kept.
    pub fn seal(self, table: &str, key: &[u8]) -> Vec<u8> {
        let crc = seal_crc(table, key, &self.0);
        self.u32(crc).0
    }
}

fn seal_crc(table: &str, key: &[u8], value: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(table.as_bytes());
    hasher.update(key);
    hasher.update(value);
    hasher.finalize()
}

/// Takes a value apart. Every method is `None` when there is not enough left.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader(bytes)
    }

    /// A value with the checksum that [`Writer::seal`] gave it; `None` when it is not that.
    pub fn unseal(table: &str, key: &[u8], sealed: &'a [u8]) -> Option<Reader<'a>> {
        let (value, crc) = sealed.split_last_chunk::<CRC>()?;
        (u32::from_le_bytes(*crc) == seal_crc(table, key, value)).then_some(Reader(value))
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }

    pub fn u8(&mut self) -> Option<u8> {
        self.take().map(u8::from_le_bytes)
    }

    pub fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    pub fn i64(&mut self) -> Option<i64> {
        self.take().map(i64::from_le_bytes)
    }

    pub fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.u32()?).ok()?;
        let (first, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(first)
    }

    pub fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    /// Everything that is left.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }
}

/// Appends a number as few bytes as it needs: seven bits a byte, the last one without its high bit.
pub fn push_varint(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

/// The number that begins at `at`, and where it ends.
pub fn varint(bytes: &[u8], at: usize) -> Option<(u32, usize)> {
    let mut number = 0;
    for (index, byte) in bytes.get(at..)?.iter().take(5).enumerate() {
        number |= u32::from(byte & 0x7f).checked_shl(7 * u32::try_from(index).ok()?)?;
        if byte & 0x80 == 0 {
            return Some((number, at + index + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_together_can_be_taken_apart() {
        let value = Writer::default().u8(1).u32(2).u64(3).i64(-4).bytes(b"five").rest(b"six");
        let sealed = value.seal("table", b"key");
        let mut reader = Reader::unseal("table", b"key", &sealed).expect("it was sealed so");
        assert_eq!(
            (reader.u8(), reader.u32(), reader.u64(), reader.i64()),
            (Some(1), Some(2), Some(3), Some(-4))
        );
        assert_eq!((reader.text(), reader.rest()), (Some("five"), &b"six"[..]));
        assert_eq!((Reader::new(b"abc").u32(), Reader::new(&[9, 0, 0, 0, 1]).bytes()), (None, None));
    }

    #[test]
    fn a_seal_breaks_with_any_bit_and_any_other_place() {
        let mut sealed = Writer::default().rest(b"value").seal("table", b"key");
        assert!(Reader::unseal("table", b"other", &sealed).is_none());
        assert!(Reader::unseal("tables", b"key", &sealed).is_none());
        assert!(Reader::unseal("table", b"key", b"abc").is_none());
        for bit in 0..8 * sealed.len() {
            sealed[bit / 8] ^= 1 << (bit % 8);
            assert!(Reader::unseal("table", b"key", &sealed).is_none(), "bit {bit}");
            sealed[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn numbers_take_few_bytes() {
        for number in [0, 1, 127, 128, 16_383, 16_384, u32::MAX] {
            let mut bytes = vec![7];
            push_varint(&mut bytes, number);
            assert_eq!(varint(&bytes, 1), Some((number, bytes.len())));
            assert_eq!(varint(&bytes[..bytes.len() - 1], 1), None);
        }
        assert_eq!(varint(&[0xff; 9], 0), None);
    }
}
