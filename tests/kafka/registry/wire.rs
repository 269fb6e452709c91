//! Records as producers write them, byte for byte, so that no library which we read with has a part in it.

/// A record that is written.
#[derive(Clone, Default)]
pub struct Wire(Vec<u8>);

impl Wire {
    /// Behind the number of its schema, as Confluent's producers begin.
    pub fn of(id: u32) -> Wire {
        Wire(Vec::new()).plain(&[0]).plain(&id.to_be_bytes())
    }

    pub fn plain(mut self, bytes: &[u8]) -> Wire {
        self.0.extend_from_slice(bytes);
        self
    }

    pub fn bytes(self) -> Vec<u8> {
        self.0
    }

    /// In groups of seven bits, the least significant first.
    fn groups(mut self, mut number: u64) -> Wire {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
        self
    }

    /// An integer of Avro, of any width, and an index of a type of Protobuf: zigzag.
    pub fn int(self, number: i64) -> Wire {
        self.groups((number << 1 ^ number >> 63) as u64)
    }

    /// A double of Avro.
    pub fn double(self, number: f64) -> Wire {
        self.plain(&number.to_le_bytes())
    }

    /// A text of Avro.
    pub fn text(self, text: &str) -> Wire {
        self.int(text.len() as i64).plain(text.as_bytes())
    }

    /// A field of Protobuf with a number.
    pub fn number_field(self, field: u64, number: u64) -> Wire {
        self.groups(field << 3).groups(number)
    }

    /// A field of Protobuf with a text.
    pub fn text_field(self, field: u64, text: &str) -> Wire {
        self.bytes_field(field, text.as_bytes())
    }

    /// A field of Protobuf with a message.
    pub fn message_field(self, field: u64, message: Wire) -> Wire {
        self.bytes_field(field, &message.0)
    }

    fn bytes_field(self, field: u64, bytes: &[u8]) -> Wire {
        self.groups(field << 3 | 2).groups(bytes.len() as u64).plain(bytes)
    }
}
