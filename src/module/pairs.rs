//! The form in which a proxy hands over a map: a number, the lengths of each name and value, then their bytes, each with
//! a zero byte behind it. Numbers have four bytes, the lowest first.

use core::ops::Range;

use countersign_core::request::{HeaderField, Headers};

/// Bytes of a number.
const NUMBER: usize = 4;

/// The fields of a map, left in place; `None` if the bytes are not a map, or if a name is not UTF-8. No bytes are an empty
/// map.
pub fn parse(bytes: Vec<u8>) -> Option<Headers> {
    if bytes.is_empty() {
        return Some(Headers::default());
    }
    let (count, lengths) = bytes.split_first_chunk::<NUMBER>()?;
    let count = number(*count)?;
    let lengths = lengths.get(..count.checked_mul(2 * NUMBER)?)?;
    let mut next = NUMBER.checked_add(lengths.len())?;
    let mut fields = Vec::with_capacity(count);
    for pair in lengths.chunks_exact(2 * NUMBER) {
        let (name, value) = pair.split_first_chunk::<NUMBER>()?;
        let name = place(&mut next, *name)?;
        fields.push(HeaderField { name, value: place(&mut next, *value.first_chunk()?)? });
    }
    Headers::in_buffer(bytes, fields)
}

/// These fields as a proxy reads them.
#[must_use]
pub fn written<'f>(fields: impl Iterator<Item = (&'f [u8], &'f [u8])> + Clone) -> Vec<u8> {
    // A length that does not fit is that of no field that a program can hold in 32-bit memory.
    let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    let mut bytes = number(fields.clone().count()).to_vec();
    for (name, value) in fields.clone() {
        bytes.extend(number(name.len()));
        bytes.extend(number(value.len()));
    }
    for part in fields.flat_map(|(name, value)| [name, value]) {
        bytes.extend(part);
        bytes.push(0);
    }
    bytes
}

/// The next so many bytes. The zero byte behind them is passed over.
fn place(next: &mut usize, length: [u8; NUMBER]) -> Option<Range<usize>> {
    let start = *next;
    let end = start.checked_add(number(length)?)?;
    *next = end.checked_add(1)?;
    Some(start..end)
}

fn number(bytes: [u8; NUMBER]) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(bytes)).ok()
}

#[cfg(test)]
mod tests {
    use super::parse;
    use countersign_core::request::{Exactly, Headers};

    fn written(fields: &[(&[u8], &[u8])]) -> Vec<u8> {
        super::written(fields.iter().copied())
    }

    #[test]
    fn a_map_is_written_as_the_specification_shows_it() {
        let bytes = written(&[(b"a", b"bc"), (b"d", b"")]);
        assert_eq!(bytes, b"\x02\0\0\0\x01\0\0\0\x02\0\0\0\x01\0\0\0\0\0\0\0a\0bc\0d\0\0");
    }

    #[test]
    fn a_map_is_read_in_order_with_any_bytes_in_its_values() {
        let headers = parse(written(&[(b":path", b"/"), (b"a", b""), (b"b", b"\0\xff"), (b"a", b"2")])).unwrap();
        assert_eq!(headers.all_names().collect::<Vec<_>>(), [":path", "a", "b", "a"]);
        assert_eq!(headers.exactly("b"), Exactly::One(b"\0\xff"));
        assert_eq!(headers.all("a").collect::<Vec<_>>(), [&b""[..], b"2"]);
        for empty in [Vec::new(), written(&[])] {
            assert_eq!(parse(empty).unwrap().all_names().count(), 0);
        }
    }

    #[test]
    fn a_map_that_is_cut_anywhere_is_not_read() {
        let whole = written(&[(b"name", b"value"), (b"b", b"2")]);
        // The last zero byte belongs to no field.
        for length in 1..whole.len() - 1 {
            assert!(parse(whole[..length].to_vec()).is_none(), "{length}");
        }
        assert!(parse(whole[..whole.len() - 1].to_vec()).is_some());
    }

    #[test]
    fn numbers_that_no_map_can_have_are_not_believed() {
        for bytes in [vec![0xff; 4], vec![0xff; 64], [&[1, 0, 0, 0][..], &[0xff; 8]].concat()] {
            assert_eq!(parse(bytes), None::<Headers>);
        }
        assert!(parse(written(&[(b"\xff", b"")])).is_none());
    }
}
