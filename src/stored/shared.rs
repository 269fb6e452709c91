//! Writing what is shared once.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// With fewer things than this, looking at each costs less than hashing.
const FEW: usize = 16;

/// The numbers of things that are written once and referred to after that, known by where they are in
/// memory. They must be there as long as the numbers are asked for.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    few: Vec<(usize, u32)>,
    many: HashMap<usize, u32, FixedState>,
    next: u32,
}

impl Shared {
    /// Forgets all.
    pub fn clear(&mut self) {
        self.few.clear();
        self.many.clear();
        self.next = 0;
    }

    /// How many there are.
    pub fn len(&self) -> u32 {
        self.next
    }

    /// The number of what is at an address, if it has one.
    pub fn find(&self, address: usize) -> Option<u32> {
        if self.many.is_empty() {
            // What has been written last is asked for most.
            return self.few.iter().rev().find(|known| known.0 == address).map(|known| known.1);
        }
        self.many.get(&address).copied()
    }

    /// Gives the next number to what is at an address and has none.
    pub fn add(&mut self, address: usize) -> u32 {
        let number = self.next;
        self.next += 1;
        if self.few.len() < FEW {
            self.few.push((address, number));
        } else {
            if self.many.is_empty() {
                self.many.extend(self.few.iter().copied());
            }
            self.many.insert(address, number);
        }
        number
    }

    /// Gives the next number to something that nothing refers to by its address.
    pub fn skip(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }
}
