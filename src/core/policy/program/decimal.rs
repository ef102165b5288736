//! Cedar's `decimal`: a number with four digits behind the point.

/// Digits behind the point.
const PLACES: usize = 4;

/// A number, as ten-thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::policy) struct Decimal(i64);

impl Decimal {
    /// The number of so many ten-thousandths.
    pub(in crate::policy) const fn of_units(units: i64) -> Self {
        Self(units)
    }

    /// How many ten-thousandths it is.
    pub(in crate::policy) const fn units(self) -> i64 {
        self.0
    }

    /// Reads what `decimal()` accepts: `-` or nothing, digits, a point, one to four digits; in the range of 64 bits.
    pub(in crate::policy) fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.')?;
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !all_digits(whole) || !all_digits(fraction) || fraction.len() > PLACES {
            return None;
        }
        // A number that does not fit these bits does not fit 64 either.
        let units: i128 = format!("{whole}{fraction:0<PLACES$}").parse().ok()?;
        let units = if negative { units.checked_neg()? } else { units };
        i64::try_from(units).ok().map(Self)
    }
}
