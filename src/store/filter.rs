//! Says which keys a blob surely does not hold (Bloom, "Space/time trade-offs in hash coding with
//! allowable errors", 1970), so that few blobs are read to find one row.

/// Bits for each key: one key in a hundred is taken for one of them and is not.
const BITS: usize = 10;
/// How many bits a key sets.
const PROBES: u64 = 6;

/// A filter of keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter(Box<[u8]>);

/// The hash of a key. It is on the disk, as are the bits that follow from it: it never changes.
pub fn hash(key: &[u8]) -> u32 {
    crc32fast::hash(key)
}

impl Filter {
    /// A filter of the keys with these hashes.
    pub fn of(hashes: &[u32]) -> Filter {
        let mut bits = vec![0; (hashes.len() * BITS).div_ceil(8)];
        for hash in hashes {
            for bit in probes(*hash, bits.len()) {
                bits[bit / 8] |= 1 << (bit % 8);
            }
        }
        Filter(bits.into())
    }

    /// The filter of which these are the bytes; without any, it takes every key for one of them.
    pub fn from_bytes(bytes: &[u8]) -> Filter {
        Filter(bytes.into())
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether the key with that hash may be one of them; if not, it surely is none.
    pub fn may_hold(&self, hash: u32) -> bool {
        self.0.is_empty() || probes(hash, self.0.len()).all(|bit| self.0[bit / 8] & 1 << (bit % 8) != 0)
    }
}

/// The bits of a key among those of so many bytes.
fn probes(hash: u32, bytes: usize) -> impl Iterator<Item = usize> {
    // Two hashes make all of them (Kirsch and Mitzenmacher, "Less hashing, same performance", 2006).
    // A checksum is not spread well by itself, so it is mixed as splitmix64 does.
    let mut mixed = u64::from(hash).wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^= mixed >> 31;
    let (step, bits) = ((mixed >> 32) | 1, 8 * bytes as u64);
    (0..PROBES).map(move |index| {
        let hash = (mixed & 0xFFFF_FFFF).wrapping_add(index.wrapping_mul(step));
        usize::try_from(hash % bits).expect("below a size")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_found_and_little_else() {
        let hashes: Vec<u32> = (0..10_300).map(|number| hash(format!("user-{number}").as_bytes())).collect();
        let filter = Filter::of(&hashes[..300]);
        assert!(hashes[..300].iter().all(|hash| filter.may_hold(*hash)));
        let wrong = hashes[300..].iter().filter(|hash| filter.may_hold(**hash)).count();
        assert!(wrong < 200, "{wrong} of 10,000");
        assert_eq!(Filter::from_bytes(filter.as_bytes()), filter);
        assert!(Filter::default().may_hold(7));
    }

    #[test]
    fn the_bits_of_a_key_stay_those_that_are_on_disks() {
        assert_eq!(probes(hash(b"user-1"), 375).collect::<Vec<_>>(), [987, 830, 673, 516, 359, 202]);
    }
}
