//! Writing.

/// Bytes that grow.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

/// The largest number that takes one byte.
const ONE_BYTE: u64 = 0x7f;

impl Writer {
    /// What has been written.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    /// What has been written, to be changed.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// What has been written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// How many bytes have been written.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing has been written.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Forgets what has been written and keeps the room.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// For how many bytes there is room.
    pub fn room(&self) -> usize {
        self.bytes.capacity()
    }

    /// Makes room for so many more bytes.
    pub fn reserve(&mut self, bytes: usize) {
        self.bytes.reserve(bytes);
    }

    /// A byte.
    pub fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Bytes without their length.
    pub fn plain(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Yes or no.
    pub fn flag(&mut self, flag: bool) {
        self.byte(u8::from(flag));
    }

    /// A whole number.
    pub fn number(&mut self, number: u64) {
        let mut rest = number;
        while rest > ONE_BYTE {
            self.byte(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.byte(rest as u8);
    }

    /// A length, or a place in a list.
    pub fn size(&mut self, size: usize) {
        self.number(size as u64);
    }

    /// A whole number with a sign.
    pub fn signed(&mut self, number: i64) {
        self.number((number << 1 ^ number >> (i64::BITS - 1)) as u64);
    }

    /// A whole number of 128 bits with a sign.
    pub fn wide_signed(&mut self, number: i128) {
        self.wide((number << 1 ^ number >> (i128::BITS - 1)) as u128);
    }

    fn wide(&mut self, mut number: u128) {
        while number > u128::from(ONE_BYTE) {
            self.byte(number as u8 | 0x80);
            number >>= 7;
        }
        self.byte(number as u8);
    }

    /// A float, bit by bit.
    pub fn float(&mut self, float: f64) {
        self.plain(&float.to_bits().to_le_bytes());
    }

    /// A number of 64 bits that is seldom small.
    pub fn bits(&mut self, bits: u64) {
        self.plain(&bits.to_le_bytes());
    }

    /// Bytes, with their length.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.size(bytes.len());
        self.plain(bytes);
    }

    /// A text, with its length.
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// What may be there or not.
    pub fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Writer, T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    /// A list, with its length.
    pub fn list<T>(
        &mut self,
        list: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
        mut write: impl FnMut(&mut Writer, T),
    ) {
        let list = list.into_iter();
        self.size(list.len());
        list.for_each(|item| write(self, item));
    }

    /// Begins something that can be passed over: its length will stand before it.
    pub fn open(&mut self) -> Open {
        self.byte(0);
        Open(self.len())
    }

    /// Ends it.
    pub fn close(&mut self, Open(start): Open) {
        let length = self.len() - start;
        if length as u64 <= ONE_BYTE {
            self.bytes[start - 1] = length as u8;
        } else {
            let mut written = Writer::default();
            written.size(length);
            self.bytes.splice(start - 1..start, written.bytes);
        }
    }
}

/// Where something begins whose length is not known yet.
#[derive(Debug)]
pub struct Open(usize);
