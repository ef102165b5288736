//! The bytes of prepared policies: numbers, strings, lists, and nothing that can be read in two ways.
//!
//! A number has seven bits in a byte, the lowest first, and a set eighth bit says that more follow. A string is its length in
//! bytes and the bytes. A list is its length and its elements. An alternative is its number, and what belongs to it.
//!
//! Each value that is read takes at least one byte, so what is read never needs more memory than a small multiple of the
//! bytes. Nesting is counted, because whoever reads what is nested calls itself.

use crate::limits::MAX_PREPARED_DEPTH;
use crate::policy::program::entity::TypeId;
use crate::policy::program::expression::Slot;

/// Why bytes are not prepared policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) struct Malformed(pub &'static str);

/// A value that can be read.
pub(super) type Read<T> = Result<T, Malformed>;

/// A value that has a form in bytes.
pub(super) trait Encoded: Sized {
    /// Writes the value.
    fn encode(&self, into: &mut Vec<u8>);

    /// Reads a value.
    ///
    /// # Errors
    /// See [`Malformed`].
    fn decode(from: &mut Reader<'_>) -> Read<Self>;
}

/// Bytes that are read from the front, and the tables that references in them are resolved by.
#[derive(Debug)]
pub(super) struct Reader<'b> {
    rest: &'b [u8],
    depth: usize,
    /// The entity types that are referred to.
    pub types: Vec<TypeId>,
    /// The facts that are referred to.
    pub slots: Vec<Slot>,
}

impl<'b> Reader<'b> {
    /// Reads these bytes.
    pub(super) const fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes, depth: 0, types: Vec::new(), slots: Vec::new() }
    }

    /// Whether everything was read.
    pub(super) const fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next byte.
    pub(super) fn byte(&mut self) -> Read<u8> {
        let (byte, rest) = self.rest.split_first().ok_or(Malformed("they end too early"))?;
        self.rest = rest;
        Ok(*byte)
    }

    fn take(&mut self, count: usize) -> Read<&'b [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Malformed("they end too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next bytes, as many as the array has.
    pub(super) fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| Malformed("they end too early"))
    }

    /// A number. It has no more bytes than it needs.
    pub(super) fn number(&mut self) -> Read<u64> {
        let mut number = 0_u64;
        for place in 0_u32..=u64::BITS / 7 {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            let shifted = bits << place.saturating_mul(7);
            if shifted >> place.saturating_mul(7) != bits || (byte == 0 && place > 0) {
                return Err(Malformed("a number is not in its one form"));
            }
            number |= shifted;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Malformed("a number is too large"))
    }

    /// The number of elements of a list. There cannot be more than bytes are left.
    pub(super) fn count(&mut self) -> Read<usize> {
        let count = usize::decode(self)?;
        if count > self.rest.len() { Err(Malformed("a list is longer than the bytes")) } else { Ok(count) }
    }

    /// Reads something that can contain itself.
    pub(super) fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.depth >= MAX_PREPARED_DEPTH {
            return Err(Malformed("they are nested too deeply"));
        }
        self.depth = self.depth.saturating_add(1);
        let value = read(self);
        self.depth = self.depth.saturating_sub(1);
        value
    }
}

/// Writes the length of a list and its elements.
pub(super) fn encode_list<'e, T: Encoded + 'e>(elements: impl ExactSizeIterator<Item = &'e T>, into: &mut Vec<u8>) {
    elements.len().encode(into);
    elements.for_each(|element| element.encode(into));
}

/// Writes a string.
pub(super) fn encode_text(text: &str, into: &mut Vec<u8>) {
    text.len().encode(into);
    into.extend_from_slice(text.as_bytes());
}

impl Encoded for u64 {
    fn encode(&self, into: &mut Vec<u8>) {
        let mut rest = *self;
        while rest > 0x7f {
            into.push(rest.to_le_bytes()[0] | 0x80);
            rest >>= 7;
        }
        into.push(rest.to_le_bytes()[0]);
    }

    fn decode(from: &mut Reader<'_>) -> Read<Self> {
        from.number()
    }
}

impl Encoded for usize {
    fn encode(&self, into: &mut Vec<u8>) {
        // No platform has wider pointers.
        u64::try_from(*self).unwrap_or(u64::MAX).encode(into);
    }

    fn decode(from: &mut Reader<'_>) -> Read<Self> {
        Self::try_from(from.number()?).map_err(|_| Malformed("a number is too large"))
    }
}

/// The sign is the lowest bit, so that small numbers are short.
impl Encoded for i64 {
    fn encode(&self, into: &mut Vec<u8>) {
        ((self << 1) ^ (self >> 63)).cast_unsigned().encode(into);
    }

    fn decode(from: &mut Reader<'_>) -> Read<Self> {
        let number = from.number()?;
        Ok((number >> 1).cast_signed() ^ (number & 1).cast_signed().wrapping_neg())
    }
}

impl Encoded for bool {
    fn encode(&self, into: &mut Vec<u8>) {
        into.push(u8::from(*self));
    }

    fn decode(from: &mut Reader<'_>) -> Read<Self> {
        match from.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed("neither true nor false")),
        }
    }
}

impl Encoded for String {
    fn encode(&self, into: &mut Vec<u8>) {
        encode_text(self, into);
    }

    fn decode(from: &mut Reader<'_>) -> Read<Self> {
        let length = from.count()?;
        let bytes = from.take(length)?;
        core::str::from_utf8(bytes).map(str::to_owned).map_err(|_| Malformed("a string is not UTF-8"))
    }
}

impl<T: Encoded> Encoded for Vec<T> {
    fn encode(&self, into: &mut Vec<u8>) {
        encode_list(self.iter(), into);
    }

    fn decode(from: &mut Reader<'_>) -> Read<Self> {
        (0..from.count()?).map(|_| T::decode(from)).collect()
    }
}

impl<T: Encoded> Encoded for Option<T> {
    fn encode(&self, into: &mut Vec<u8>) {
        self.is_some().encode(into);
        if let Some(value) = self {
            value.encode(into);
        }
    }

    fn decode(from: &mut Reader<'_>) -> Read<Self> {
        if bool::decode(from)? { T::decode(from).map(Some) } else { Ok(None) }
    }
}

impl<A: Encoded, B: Encoded> Encoded for (A, B) {
    fn encode(&self, into: &mut Vec<u8>) {
        self.0.encode(into);
        self.1.encode(into);
    }

    fn decode(from: &mut Reader<'_>) -> Read<Self> {
        Ok((A::decode(from)?, B::decode(from)?))
    }
}

impl<T: Encoded> Encoded for Box<T> {
    fn encode(&self, into: &mut Vec<u8>) {
        self.as_ref().encode(into);
    }

    fn decode(from: &mut Reader<'_>) -> Read<Self> {
        T::decode(from).map(Self::new)
    }
}

impl<T: Encoded> Encoded for [T; 2] {
    fn encode(&self, into: &mut Vec<u8>) {
        self.iter().for_each(|element| element.encode(into));
    }

    fn decode(from: &mut Reader<'_>) -> Read<Self> {
        Ok([T::decode(from)?, T::decode(from)?])
    }
}

impl<T: Encoded> Encoded for [T; 3] {
    fn encode(&self, into: &mut Vec<u8>) {
        self.iter().for_each(|element| element.encode(into));
    }

    fn decode(from: &mut Reader<'_>) -> Read<Self> {
        Ok([T::decode(from)?, T::decode(from)?, T::decode(from)?])
    }
}
