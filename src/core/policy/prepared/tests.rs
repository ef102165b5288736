//! Caps of what is read, at the cap and one beyond.

use super::bytes::{Encoded, Malformed, Reader};
use crate::limits::MAX_PREPARED_DEPTH;
use crate::policy::program::expression::{Binary, Expression, Unary};
use crate::policy::program::value::Value;
use crate::portable;

/// `!` so many times, around `principal`.
fn negations(count: usize) -> Vec<u8> {
    [[7, 0].repeat(count), vec![1, 0]].concat()
}

#[portable]
fn nesting_is_accepted_up_to_the_cap() {
    let read = |bytes: &[u8]| Expression::decode(&mut Reader::new(bytes)).map(|_| ());
    assert_eq!(read(&negations(MAX_PREPARED_DEPTH - 1)), Ok(()));
    assert_eq!(read(&negations(MAX_PREPARED_DEPTH)), Err(Malformed("they are nested too deeply")));
    assert_eq!(read(&negations(500_000)), Err(Malformed("they are nested too deeply")));
    // A set in a set in a set.
    let sets = |count: usize| [[8, 1].repeat(count), vec![0, 0]].concat();
    let read = |bytes: &[u8]| Value::decode(&mut Reader::new(bytes)).map(|_| ());
    assert_eq!(read(&sets(MAX_PREPARED_DEPTH - 1)), Ok(()));
    assert_eq!(read(&sets(MAX_PREPARED_DEPTH)), Err(Malformed("they are nested too deeply")));
}

#[portable]
fn what_follows_something_nested_is_not_nested_in_it() {
    let deep = negations(MAX_PREPARED_DEPTH - 1);
    let list = [vec![2], deep.clone(), deep].concat();
    assert_eq!(Vec::<Expression>::decode(&mut Reader::new(&list)).map(|list| list.len()), Ok(2));
}

#[portable]
fn numbers_have_one_form() {
    for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
        let mut bytes = Vec::new();
        number.encode(&mut bytes);
        assert_eq!(u64::decode(&mut Reader::new(&bytes)), Ok(number));
        for cut in 0..bytes.len() {
            assert!(u64::decode(&mut Reader::new(&bytes[..cut])).is_err());
        }
    }
    for number in [0, 1, -1, 63, -64, i64::MAX, i64::MIN] {
        let mut bytes = Vec::new();
        number.encode(&mut bytes);
        assert_eq!(i64::decode(&mut Reader::new(&bytes)), Ok(number));
    }
    let one_form = Err(Malformed("a number is not in its one form"));
    assert_eq!(u64::decode(&mut Reader::new(&[0x80, 0])), one_form);
    assert_eq!(u64::decode(&mut Reader::new(&[[0xff; 9].as_slice(), &[2]].concat())), one_form);
    assert_eq!(u64::decode(&mut Reader::new(&[0xff; 20])), one_form);
    assert_eq!(
        u64::decode(&mut Reader::new(&[[0x80; 9].as_slice(), &[0x81, 1]].concat())),
        Err(Malformed("a number is too large"))
    );
}

#[portable]
fn a_list_is_not_longer_than_the_bytes_that_are_left() {
    let longer = Err(Malformed("a list is longer than the bytes"));
    assert_eq!(Vec::<bool>::decode(&mut Reader::new(&[2, 1, 1])), Ok(vec![true, true]));
    assert_eq!(Vec::<bool>::decode(&mut Reader::new(&[3, 1, 1])), longer);
    assert_eq!(
        String::decode(&mut Reader::new(&[0xff, 0xff, 0xff, 0xff, 0x0f])),
        Err(Malformed("a list is longer than the bytes"))
    );
}

#[portable]
fn operators_are_read_as_they_are_written() {
    for operator in Unary::ALL {
        let mut bytes = Vec::new();
        operator.encode(&mut bytes);
        assert_eq!(Unary::decode(&mut Reader::new(&bytes)), Ok(operator));
    }
    for operator in Binary::ALL {
        let mut bytes = Vec::new();
        operator.encode(&mut bytes);
        assert_eq!(Binary::decode(&mut Reader::new(&bytes)), Ok(operator));
    }
    assert!(Unary::decode(&mut Reader::new(&[18])).is_err());
    assert!(Binary::decode(&mut Reader::new(&[19])).is_err());
}
