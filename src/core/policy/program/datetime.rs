//! Cedar's `datetime` and `duration`: whole milliseconds, since 1970 in UTC or of a length.

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A point in time, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::policy) struct Datetime(i64);

/// A length of time in milliseconds, which may be negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::policy) struct Duration(i64);

impl Datetime {
    /// So many milliseconds after the beginning of 1970.
    pub(in crate::policy) const fn of_milliseconds(milliseconds: i64) -> Self {
        Self(milliseconds)
    }

    /// How many milliseconds after the beginning of 1970 it is.
    pub(in crate::policy) const fn milliseconds(self) -> i64 {
        self.0
    }

    /// Reads what `datetime()` accepts: `YYYY-MM-DD`, alone or with `Thh:mm:ss`, then `.SSS` or nothing, then `Z` or `+hhmm`
    /// or `-hhmm`.
    pub(in crate::policy) fn parse(text: &str) -> Option<Self> {
        let mut rest = Digits(text);
        let year = rest.number(4)?;
        let month = rest.after("-")?.number(2)?;
        let day = rest.after("-")?.number(2)?;
        let date = days_since_1970(year, month, day)?.checked_mul(DAY)?;
        if rest.0.is_empty() {
            return Some(Self(date));
        }
        let hour = rest.after("T")?.number(2).filter(|hour| *hour < 24)?;
        let minute = rest.after(":")?.number(2).filter(|minute| *minute < 60)?;
        let second = rest.after(":")?.number(2).filter(|second| *second < 60)?;
        let millisecond = if rest.0.starts_with('.') { rest.after(".")?.number(3)? } else { 0 };
        let offset = match rest.0 {
            "Z" => 0,
            behind if behind.starts_with('+') => rest.after("+")?.offset()?,
            behind if behind.starts_with('-') => rest.after("-")?.offset()?.checked_neg()?,
            _ => return None,
        };
        let parts = [(hour, HOUR), (minute, MINUTE), (second, SECOND), (millisecond, 1)];
        let time = parts.into_iter().try_fold(date, |sum, (count, unit)| sum.checked_add(count.checked_mul(unit)?));
        time?.checked_sub(offset).map(Self)
    }

    /// `offset`; `None` where it overflows.
    pub(in crate::policy) fn offset(self, by: Duration) -> Option<Self> {
        self.0.checked_add(by.0).map(Self)
    }

    /// `durationSince`; `None` where it overflows.
    pub(in crate::policy) fn since(self, earlier: Self) -> Option<Duration> {
        self.0.checked_sub(earlier.0).map(Duration)
    }

    /// `toDate`: the beginning of the day; `None` where it overflows.
    pub(in crate::policy) fn date(self) -> Option<Self> {
        self.0.checked_sub(self.0.rem_euclid(DAY)).map(Self)
    }

    /// `toTime`: what has passed of the day.
    pub(in crate::policy) const fn time(self) -> Duration {
        Duration(self.0.rem_euclid(DAY))
    }
}

impl Duration {
    /// So many milliseconds.
    pub(in crate::policy) const fn of_milliseconds(milliseconds: i64) -> Self {
        Self(milliseconds)
    }

    /// Reads what `duration()` accepts: `-` or nothing, then numbers with `d`, `h`, `m`, `s` and `ms`, in this order, each at
    /// most once.
    pub(in crate::policy) fn parse(text: &str) -> Option<Self> {
        const UNITS: [(&str, i64); 5] = [("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", SECOND), ("ms", 1)];
        let (negative, mut rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if rest.is_empty() {
            return None;
        }
        let mut total = 0_i128;
        let mut units = UNITS.iter();
        while !rest.is_empty() {
            let (number, behind) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
            let end = behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len());
            let (name, behind) = behind.split_at(end);
            let (_, unit) = units.find(|(unit, _)| *unit == name)?;
            let count = i128::from(number.parse::<u64>().ok()?);
            total = total.checked_add(count.checked_mul(i128::from(*unit))?)?;
            rest = behind;
        }
        let total = if negative { total.checked_neg()? } else { total };
        i64::try_from(total).ok().map(Self)
    }

    /// `toMilliseconds`.
    pub(in crate::policy) const fn milliseconds(self) -> i64 {
        self.0
    }

    /// `toSeconds`, towards zero.
    pub(in crate::policy) const fn seconds(self) -> i64 {
        self.0.wrapping_div(SECOND)
    }

    /// `toMinutes`, towards zero.
    pub(in crate::policy) const fn minutes(self) -> i64 {
        self.0.wrapping_div(MINUTE)
    }

    /// `toHours`, towards zero.
    pub(in crate::policy) const fn hours(self) -> i64 {
        self.0.wrapping_div(HOUR)
    }

    /// `toDays`, towards zero.
    pub(in crate::policy) const fn days(self) -> i64 {
        self.0.wrapping_div(DAY)
    }
}

/// What is left of a text with digits at fixed places.
struct Digits<'t>(&'t str);

impl Digits<'_> {
    fn number(&mut self, digits: usize) -> Option<i64> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        self.0 = rest;
        number.parse().ok()
    }

    fn after(&mut self, mark: &str) -> Option<&mut Self> {
        self.0 = self.0.strip_prefix(mark)?;
        Some(self)
    }

    /// The four digits of an offset from UTC, and nothing behind them; in milliseconds.
    fn offset(&mut self) -> Option<i64> {
        let hours = self.number(2).filter(|hours| *hours < 24)?;
        let minutes = self.number(2).filter(|minutes| *minutes < 60)?;
        self.0.is_empty().then_some(())?;
        hours.checked_mul(HOUR)?.checked_add(minutes.checked_mul(MINUTE)?)
    }
}

/// Days from 1970-01-01 to this day of the Gregorian calendar, carried on backwards; `None` for a day that does not exist.
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0);
    let lengths = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let month = usize::try_from(month.checked_sub(1)?).ok()?;
    let length = lengths.get(month)?;
    if !(1..=*length).contains(&day) {
        return None;
    }
    let months: i64 = lengths.iter().take(month).sum();
    // Years are 0 to 9999. Year 0 is a leap year, before which no leap day is counted.
    let before = year.checked_sub(1)?;
    let leap_days = before.div_euclid(4).checked_sub(before.div_euclid(100))?.checked_add(before.div_euclid(400))?;
    let days = before.checked_mul(365)?.checked_add(leap_days)?.checked_add(months)?.checked_add(day)?;
    /// The same count for 1970-01-01.
    const EPOCH: i64 = 719_163;
    days.checked_sub(EPOCH)
}
