//! Reading.

/// Bytes are not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Damaged {
    /// What is wrong with them.
    pub what: &'static str,
}

impl Damaged {
    /// What is wrong.
    pub const fn new(what: &'static str) -> Damaged {
        Damaged { what }
    }
}

/// Bytes of which some have been read.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

const TOO_SHORT: Damaged = Damaged::new("it ends too early");
const TOO_LARGE: Damaged = Damaged::new("a number is too large");
const TOO_LONG: Damaged = Damaged::new("a list is longer than what is left");

impl<'a> Reader<'a> {
    /// Reads from the beginning.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes }
    }

    /// What has not been read.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether all has been read.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Nothing may be left.
    ///
    /// # Errors
    /// When something is.
    pub fn end(&self) -> Result<(), Damaged> {
        if self.is_empty() { Ok(()) } else { Err(Damaged::new("something follows its end")) }
    }

    /// A byte.
    ///
    /// # Errors
    /// When there is none.
    pub fn byte(&mut self) -> Result<u8, Damaged> {
        let (first, rest) = self.rest.split_first().ok_or(TOO_SHORT)?;
        self.rest = rest;
        Ok(*first)
    }

    /// So many bytes.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn plain(&mut self, len: usize) -> Result<&'a [u8], Damaged> {
        let (found, rest) = self.rest.split_at_checked(len).ok_or(TOO_SHORT)?;
        self.rest = rest;
        Ok(found)
    }

    /// Yes or no.
    ///
    /// # Errors
    /// When it is neither.
    pub fn flag(&mut self) -> Result<bool, Damaged> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Damaged::new("it is neither yes nor no")),
        }
    }

    /// A whole number.
    ///
    /// # Errors
    /// When it ends too early or is too large.
    pub fn number(&mut self) -> Result<u64, Damaged> {
        match self.rest.first() {
            Some(byte) if *byte < 0x80 => Ok(self.byte()?.into()),
            _ => u64::try_from(self.wide()?).map_err(|_| TOO_LARGE),
        }
    }

    /// A whole number of 32 bits.
    ///
    /// # Errors
    /// When it ends too early or is too large.
    pub fn small(&mut self) -> Result<u32, Damaged> {
        u32::try_from(self.number()?).map_err(|_| TOO_LARGE)
    }

    /// How often something has happened: so far from the greatest number that counting goes on.
    ///
    /// # Errors
    /// When it ends too early or is too large.
    pub fn count(&mut self) -> Result<u64, Damaged> {
        self.number().and_then(|count| if count >> 62 == 0 { Ok(count) } else { Err(TOO_LARGE) })
    }

    /// A place in a list of that length.
    ///
    /// # Errors
    /// When it lies outside of the list.
    pub fn place(&mut self, len: usize) -> Result<usize, Damaged> {
        let place = usize::try_from(self.number()?).map_err(|_| TOO_LARGE)?;
        if place < len { Ok(place) } else { Err(Damaged::new("it names something that is not there")) }
    }

    /// A whole number with a sign.
    ///
    /// # Errors
    /// When it ends too early or is too large.
    pub fn signed(&mut self) -> Result<i64, Damaged> {
        let number = self.number()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// A whole number of 128 bits with a sign.
    ///
    /// # Errors
    /// When it ends too early or is too large.
    pub fn wide_signed(&mut self) -> Result<i128, Damaged> {
        let number = self.wide()?;
        Ok((number >> 1) as i128 ^ -((number & 1) as i128))
    }

    fn wide(&mut self) -> Result<u128, Damaged> {
        let (mut number, mut shift) = (0_u128, 0);
        loop {
            let byte = self.byte()?;
            let bits = u128::from(byte & 0x7f);
            if shift > 126 || bits << shift >> shift != bits {
                return Err(TOO_LARGE);
            }
            number |= bits << shift;
            if byte == 0 && shift > 0 {
                return Err(Damaged::new("a number is written in another way than it would be"));
            }
            if byte < 0x80 {
                return Ok(number);
            }
            shift += 7;
        }
    }

    /// A float, bit by bit.
    ///
    /// # Errors
    /// When it ends too early.
    pub fn float(&mut self) -> Result<f64, Damaged> {
        self.bits().map(f64::from_bits)
    }

    /// A number of 64 bits that is seldom small.
    ///
    /// # Errors
    /// When it ends too early.
    pub fn bits(&mut self) -> Result<u64, Damaged> {
        let (bits, rest) = self.rest.split_first_chunk().ok_or(TOO_SHORT)?;
        self.rest = rest;
        Ok(u64::from_le_bytes(*bits))
    }

    /// Bytes, with their length.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn bytes(&mut self) -> Result<&'a [u8], Damaged> {
        let len = usize::try_from(self.number()?).map_err(|_| TOO_SHORT)?;
        self.plain(len)
    }

    /// A text, with its length.
    ///
    /// # Errors
    /// When it ends too early or is not UTF-8.
    pub fn text(&mut self) -> Result<&'a str, Damaged> {
        let text = self.bytes()?;
        std::str::from_utf8(text).map_err(|_| Damaged::new("a text is not UTF-8"))
    }

    /// What may be there or not.
    ///
    /// # Errors
    /// When what is there cannot be read.
    pub fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, Damaged>,
    ) -> Result<Option<T>, Damaged> {
        Ok(if self.flag()? { Some(read(self)?) } else { None })
    }

    /// The length of a list of which each item takes a byte at least.
    ///
    /// # Errors
    /// When less than that is left.
    pub fn len(&mut self) -> Result<usize, Damaged> {
        let len = usize::try_from(self.number()?).map_err(|_| TOO_LONG)?;
        if len <= self.rest.len() { Ok(len) } else { Err(TOO_LONG) }
    }

    /// A list, with its length.
    ///
    /// # Errors
    /// When an item cannot be read.
    pub fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Reader<'a>) -> Result<T, Damaged>,
    ) -> Result<Vec<T>, Damaged> {
        // Memory is taken as items are found: they may be much larger than their bytes.
        let len = self.len()?;
        let mut list = Vec::new();
        for _ in 0..len {
            list.push(read(self)?);
        }
        Ok(list)
    }
}
