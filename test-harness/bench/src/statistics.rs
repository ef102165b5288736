//! Medians and quantiles of what was measured.

/// The middle of some values with the quartiles around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// A quarter of the values is at most this.
    pub low: f64,
    /// A quarter of the values is at least this.
    pub high: f64,
}

impl Spread {
    /// Of these values; `None` if there is none.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        Some(Self { median: quantile(&sorted, 0.5)?, low: quantile(&sorted, 0.25)?, high: quantile(&sorted, 0.75)? })
    }
}

/// The value below which this share of the sorted values is, interpolated between two of them; `None` if there is none.
#[must_use]
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = share.clamp(0.0, 1.0) * last as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    let (below_value, above_value) = (*sorted.get(below)?, *sorted.get(above)?);
    Some(below_value + (above_value - below_value) * (place - place.floor()))
}

/// The median; `None` if there is no value.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    Spread::of(values).map(|spread| spread.median)
}

/// The differences of the two, value by value; a value without a partner counts nothing.
#[must_use]
pub fn differences(values: &[f64], bases: &[f64]) -> Vec<f64> {
    values.iter().zip(bases).map(|(value, base)| value - base).collect()
}

#[cfg(test)]
mod tests {
    use super::{Spread, differences, median, quantile};

    #[test]
    fn the_median_is_the_middle_value_or_between_the_two_middle_ones() {
        assert_eq!(median(&[9.0, 1.0, 5.0]), Some(5.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 100.0]), Some(3.0));
        assert_eq!(median(&[7.0]), Some(7.0));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn quantiles_are_interpolated_and_reach_both_ends() {
        let sorted = [10.0, 20.0, 30.0, 40.0, 50.0];
        assert_eq!(quantile(&sorted, 0.0), Some(10.0));
        assert_eq!(quantile(&sorted, 1.0), Some(50.0));
        assert_eq!(quantile(&sorted, 0.99), Some(49.6));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn one_outlier_moves_neither_the_median_nor_the_quartiles_far() {
        let spread = Spread::of(&[11.0, 10.0, 12.0, 900.0, 10.0]);
        assert_eq!(spread, Some(Spread { median: 11.0, low: 10.0, high: 12.0 }));
    }

    #[test]
    fn differences_are_taken_within_a_round() {
        assert_eq!(differences(&[30.0, 60.0], &[20.0, 40.0]), [10.0, 20.0]);
        assert_eq!(differences(&[30.0, 60.0], &[20.0]), [10.0]);
    }
}
