use proptest::prelude::*;

use super::*;

/// A value of each form that can be written.
#[derive(Clone, Debug, PartialEq)]
enum Item {
    Byte(u8),
    Flag(bool),
    Number(u64),
    Signed(i64),
    Wide(i128),
    Bits(u64),
    Bytes(Vec<u8>),
    Text(String),
    Option(Option<u64>),
    List(Vec<i64>),
}

impl Item {
    fn write(&self, w: &mut Writer) {
        match self {
            Item::Byte(byte) => w.byte(*byte),
            Item::Flag(flag) => w.flag(*flag),
            Item::Number(number) => w.number(*number),
            Item::Signed(number) => w.signed(*number),
            Item::Wide(number) => w.wide_signed(*number),
            Item::Bits(bits) => w.float(f64::from_bits(*bits)),
            Item::Bytes(bytes) => w.bytes(bytes),
            Item::Text(text) => w.text(text),
            Item::Option(number) => w.option(*number, Writer::number),
            Item::List(list) => w.list(list, |w, number| w.signed(*number)),
        }
    }

    /// What is read where this was written.
    fn read(&self, r: &mut Reader<'_>) -> Result<Item, Damaged> {
        Ok(match self {
            Item::Byte(_) => Item::Byte(r.byte()?),
            Item::Flag(_) => Item::Flag(r.flag()?),
            Item::Number(_) => Item::Number(r.number()?),
            Item::Signed(_) => Item::Signed(r.signed()?),
            Item::Wide(_) => Item::Wide(r.wide_signed()?),
            Item::Bits(_) => Item::Bits(r.float()?.to_bits()),
            Item::Bytes(_) => Item::Bytes(r.bytes()?.to_vec()),
            Item::Text(_) => Item::Text(r.text()?.to_owned()),
            Item::Option(_) => Item::Option(r.option(Reader::number)?),
            Item::List(_) => Item::List(r.list(Reader::signed)?),
        })
    }
}

fn number() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..64_u32).prop_map(|(number, shift)| number >> shift)
}

fn signed() -> impl Strategy<Value = i64> {
    (any::<i64>(), 0..64_u32).prop_map(|(number, shift)| number >> shift)
}

fn item() -> impl Strategy<Value = Item> {
    prop_oneof![
        any::<u8>().prop_map(Item::Byte),
        any::<bool>().prop_map(Item::Flag),
        number().prop_map(Item::Number),
        signed().prop_map(Item::Signed),
        (any::<i128>(), 0..128_u32).prop_map(|(number, shift)| Item::Wide(number >> shift)),
        any::<u64>().prop_map(Item::Bits),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(Item::Bytes),
        ".{0,40}".prop_map(Item::Text),
        prop::option::of(number()).prop_map(Item::Option),
        prop::collection::vec(signed(), 0..20).prop_map(Item::List),
    ]
}

proptest! {
    #[test]
    fn what_was_written_is_read(items in prop::collection::vec(item(), 0..20)) {
        let mut w = Writer::default();
        items.iter().for_each(|item| item.write(&mut w));
        let mut r = Reader::new(w.as_slice());
        for item in &items {
            let read = item.read(&mut r);
            prop_assert_eq!(read.as_ref(), Ok(item));
        }
        prop_assert_eq!(r.end(), Ok(()));
        // Less than that ends too early at some item, or is something else.
        for len in 0..w.len() {
            let mut r = Reader::new(&w.as_slice()[..len]);
            let found: Result<Vec<Item>, Damaged> = items.iter().map(|item| item.read(&mut r)).collect();
            prop_assert!(found.is_err());
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(items in prop::collection::vec(item(), 0..20), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut r = Reader::new(&bytes);
        for item in items {
            let _ = item.read(&mut r);
        }
        prop_assert!(r.rest().len() <= bytes.len());
    }

    #[test]
    fn rows_of_several_lists_come_in_the_order_of_groups(
        rows in prop::collection::vec((0..3_usize, 0..1_024_u16, any::<u8>(), prop::option::of(0..9_usize)), 0..60),
    ) {
        let mut lists = vec![Rows::default(); 3];
        let mut expected = Vec::new();
        for (list, group, key, value) in rows {
            let value = value.map(|len| vec![key; len]);
            match &value {
                Some(value) => lists[list].write(Space::Past, group, |w| w.byte(key), |w| w.plain(value)),
                None => lists[list].remove(Space::Past, group, |w| w.byte(key)),
            }
            expected.push((group, list, key, value));
        }
        lists.iter_mut().for_each(Rows::sort);
        expected.sort_by_key(|(group, list, ..)| (*group, *list));
        let found: Vec<_> = merged(&lists)
            .map(|row| (row.group, row.key.to_vec(), row.value.map(<[u8]>::to_vec)))
            .collect();
        let expected: Vec<_> =
            expected.into_iter().map(|(group, _, key, value)| (group, vec![key], value)).collect();
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn small_numbers_take_one_byte() {
    let len = |write: &dyn Fn(&mut Writer)| {
        let mut w = Writer::default();
        write(&mut w);
        w.len()
    };
    assert_eq!([0, 127, 128, u64::MAX].map(|number| len(&|w| w.number(number))), [1, 1, 2, 10]);
    assert_eq!([0, -64, 63, 64, i64::MIN].map(|number| len(&|w| w.signed(number))), [1, 1, 1, 2, 10]);
    assert_eq!(len(&|w| w.wide_signed(i128::MIN)), 19);
}

#[test]
fn numbers_that_are_too_large_are_refused() {
    let read = |bytes: &[u8]| Reader::new(bytes).number();
    assert_eq!(read(&[[0xff; 9].as_slice(), &[1]].concat()), Ok(u64::MAX));
    assert!(read(&[[0xff; 9].as_slice(), &[2]].concat()).is_err());
    assert!(read(&[0xff; 30]).is_err());
    assert!(Reader::new(&[0x80; 40]).wide_signed().is_err());
    assert!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0x1f]).small().is_err());
}

#[test]
fn a_list_that_says_it_is_longer_than_its_bytes_is_refused() {
    let mut w = Writer::default();
    w.number(u64::MAX);
    assert!(Reader::new(w.as_slice()).list(Reader::byte).is_err());
    assert!(Reader::new(w.as_slice()).bytes().is_err());
}

#[test]
fn what_was_opened_and_closed_can_be_passed_over() {
    for len in [0, 1, 127, 128, 70_000] {
        let mut w = Writer::default();
        w.text("before");
        let open = w.open();
        w.plain(&vec![7; len]);
        w.close(open);
        w.text("behind");
        let mut r = Reader::new(w.as_slice());
        assert_eq!(r.text(), Ok("before"));
        assert_eq!(r.bytes(), Ok(&*vec![7; len]));
        assert_eq!((r.text(), r.end()), (Ok("behind"), Ok(())));
    }
}

#[test]
fn what_is_shared_has_one_number() {
    let things: Vec<Box<u64>> = (0..100).map(Box::new).collect();
    let address = |thing: &u64| std::ptr::from_ref(thing).addr();
    let mut shared = Shared::default();
    for _ in 0..2 {
        for (number, thing) in (0..).zip(&things) {
            assert_eq!(shared.find(address(thing)), None);
            assert_eq!(shared.add(address(thing)), number);
            let known = things.iter().map(|thing| shared.find(address(thing)));
            assert_eq!(known.flatten().collect::<Vec<_>>(), (0..=number).collect::<Vec<_>>());
        }
        shared.clear();
    }
    assert_eq!((shared.skip(), shared.skip(), shared.add(address(&things[0]))), (0, 1, 2));
    assert_eq!(shared.find(address(&things[0])), Some(2));
}
