//! Points in time and lengths of time, in whole seconds, with arithmetic that saturates; and readings of a clock, which
//! measure how long a decision takes.
//!
//! No function here reads a clock: the time of a decision is an argument of [`decide`](crate::enforcement::decide).

use core::fmt;
use core::str::FromStr;

use thiserror::Error;

/// A point in time: whole seconds since 1970-01-01T00:00:00Z, without leap seconds (RFC 7519 `NumericDate`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixSeconds(i64);

impl UnixSeconds {
    /// The point in time this many seconds after (or, if negative, before) the epoch.
    #[must_use]
    pub const fn new(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since the epoch.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The point `length` later, or the latest representable point.
    #[must_use]
    pub fn plus(self, length: Seconds) -> Self {
        Self(self.0.saturating_add_unsigned(length.0))
    }

    /// The point `length` earlier, or the earliest representable point.
    #[must_use]
    pub fn minus(self, length: Seconds) -> Self {
        Self(self.0.saturating_sub_unsigned(length.0))
    }

    /// The time that has passed since `earlier`; zero if `earlier` is in the future (a clock may step back).
    #[must_use]
    pub fn since(self, earlier: Self) -> Seconds {
        Seconds(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// A reading of a clock: nanoseconds since 1970-01-01T00:00:00Z. Decisions are made by its whole seconds; the rest
/// only measures how long they take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

impl Moment {
    /// So many nanoseconds after the epoch. The epoch itself means that there is no clock.
    #[must_use]
    pub const fn new(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// The moment at which this second begins.
    #[must_use]
    pub fn at(seconds: UnixSeconds) -> Self {
        Self(u64::try_from(seconds.0).unwrap_or(0).saturating_mul(1_000_000_000))
    }

    /// Its whole seconds.
    #[must_use]
    pub fn seconds(self) -> UnixSeconds {
        UnixSeconds(i64::try_from(self.0.checked_div(1_000_000_000).unwrap_or(0)).unwrap_or(i64::MAX))
    }

    /// The moment so many nanoseconds later.
    #[must_use]
    pub const fn later_by(self, nanoseconds: u64) -> Self {
        Self(self.0.saturating_add(nanoseconds))
    }

    /// Whole microseconds that have passed since `earlier`. `None` if that is not known: the clock was set back in between,
    /// or there is none.
    #[must_use]
    pub fn micros_since(self, earlier: Self) -> Option<u64> {
        if earlier.0 == 0 {
            return None;
        }
        self.0.checked_sub(earlier.0)?.checked_div(1_000)
    }
}

/// A length of time in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seconds(u64);

impl Seconds {
    /// This many seconds.
    #[must_use]
    pub const fn new(seconds: u64) -> Self {
        Self(seconds)
    }

    /// The number of seconds.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.0)
    }
}

/// The text is not a length of time: digits and one unit, `s`, `m`, `h` or `d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a length of time: write digits and one unit, such as 90s, 15m, 24h or 7d")]
pub struct NotALength;

impl FromStr for Seconds {
    type Err = NotALength;

    /// Reads `90s`, `15m`, `24h` or `7d`: digits and exactly one unit.
    fn from_str(text: &str) -> Result<Self, NotALength> {
        let seconds_per_unit: u64 = match text.as_bytes().last() {
            Some(b's') => 1,
            Some(b'm') => 60,
            Some(b'h') => 3_600,
            Some(b'd') => 86_400,
            _ => return Err(NotALength),
        };
        let digits = text.get(..text.len().saturating_sub(1)).ok_or(NotALength)?;
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotALength);
        }
        let count: u64 = digits.parse().map_err(|_| NotALength)?;
        count.checked_mul(seconds_per_unit).map(Self).ok_or(NotALength)
    }
}

#[cfg(test)]
mod tests {
    use super::{Moment, NotALength, Seconds, UnixSeconds};
    use crate::portable;

    #[portable]
    fn a_length_needs_digits_and_one_unit() {
        assert_eq!("90s".parse(), Ok(Seconds::new(90)));
        assert_eq!("15m".parse(), Ok(Seconds::new(900)));
        assert_eq!("24h".parse(), Ok(Seconds::new(86_400)));
        assert_eq!("7d".parse(), Ok(Seconds::new(604_800)));
        for text in ["", "s", "90", "1.5h", "-1s", "+1s", "1h30m", "1 s", "9999999999999999999d", "1é"] {
            assert_eq!(text.parse::<Seconds>(), Err(NotALength), "{text}");
        }
    }

    #[portable]
    fn a_length_that_the_clock_cannot_tell_is_not_known() {
        let start = Moment::at(UnixSeconds::new(1_800_000_000));
        assert_eq!(start, Moment::new(1_800_000_000_000_000_000));
        assert_eq!(start.seconds(), UnixSeconds::new(1_800_000_000));
        let later = Moment::new(1_800_000_000_000_041_999);
        assert_eq!((later.micros_since(start), later.seconds()), (Some(41), start.seconds()));
        assert_eq!(start.micros_since(start), Some(0));
        assert_eq!(start.micros_since(later), None, "the clock was set back");
        assert_eq!(later.micros_since(Moment::new(0)), None, "there is no clock");
        assert_eq!(Moment::at(UnixSeconds::new(-1)), Moment::new(0));
    }

    #[portable]
    fn arithmetic_saturates_and_never_goes_negative() {
        let last = UnixSeconds::new(i64::MAX);
        assert_eq!(last.plus(Seconds::new(u64::MAX)), last);
        assert_eq!(UnixSeconds::new(5).since(UnixSeconds::new(9)), Seconds::new(0));
        assert_eq!(UnixSeconds::new(9).since(UnixSeconds::new(5)), Seconds::new(4));
    }
}
