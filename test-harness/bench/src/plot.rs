//! The report as a picture: what each chain costs over its bare twin, on a logarithmic axis.

use std::fmt::Write as _;

use crate::report::{Figures, Report};

const LEFT: f64 = 270.0;
const WIDTH: f64 = 520.0;
const RIGHT: f64 = 110.0;
const ROW: f64 = 20.0;
const TOP: f64 = 56.0;
const BOTTOM: f64 = 44.0;

/// Native filters, Countersign, its lean module, others. They differ in brightness too.
const COLOURS: [(&str, &str); 4] =
    [("native", "#1f6feb"), ("countersign", "#d1440c"), ("lean", "#8a2a7d"), ("", "#6e7781")];

/// A dot for the median of each chain that is not bare, and a line from quartile to quartile.
#[must_use]
pub fn svg(report: &Report) -> String {
    let chains: Vec<&Figures> = report.chains.iter().filter(|chain| !chain.name.starts_with("bare")).collect();
    let axis = Axis::over(chains.iter().map(|chain| chain.over_bare_us.median));
    let (width, height) = (LEFT + WIDTH + RIGHT, TOP + ROW * chains.len() as f64 + BOTTOM);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\" role=\"img\">\n\
         <title>Processor time of Envoy for a request, over the bare chain</title>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <text x=\"{LEFT}\" y=\"22\" font-size=\"14\">Processor time of Envoy for a request, over the bare chain with \
         the same headers</text>\n\
         <text x=\"{LEFT}\" y=\"40\" fill=\"#57606a\">microseconds, logarithmic; medians with quartiles</text>\n"
    );
    let end = height - BOTTOM;
    for tick in axis.ticks() {
        let x = axis.place(tick);
        let _written = writeln!(
            svg,
            "<line x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{end}\" stroke=\"#d0d7de\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{tick}</text>",
            end + 18.0
        );
    }
    for (row, chain) in chains.iter().enumerate() {
        let y = TOP + ROW * (row as f64 + 0.5);
        let spread = chain.over_bare_us;
        let [low, middle, high] = [spread.low, spread.median, spread.high].map(|value| axis.place(value));
        let colour = COLOURS.iter().find(|(begin, _)| chain.name.starts_with(begin)).map_or("", |(_, colour)| colour);
        let _written = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
             <line x1=\"{low:.1}\" y1=\"{y:.1}\" x2=\"{high:.1}\" y2=\"{y:.1}\" stroke=\"{colour}\" \
             stroke-width=\"3\"/>\
             <circle cx=\"{middle:.1}\" cy=\"{y:.1}\" r=\"4.5\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" fill=\"#57606a\">{:.0}</text>",
            LEFT - 10.0,
            y + 4.0,
            chain.name,
            high + 10.0,
            y + 4.0,
            spread.median,
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// From one power of ten to another.
struct Axis {
    first: i32,
    last: i32,
}

impl Axis {
    /// Wide enough for these values, from 1 at the lowest.
    fn over(values: impl Iterator<Item = f64>) -> Self {
        let largest = values.fold(10.0, f64::max);
        Self { first: 0, last: largest.log10().ceil() as i32 }
    }

    fn ticks(&self) -> impl Iterator<Item = f64> + use<> {
        (self.first..=self.last).map(|power| 10_f64.powi(power))
    }

    /// Where a value is. Values outside of the axis, such as what lies below the noise, are at its ends.
    fn place(&self, value: f64) -> f64 {
        let (first, last) = (f64::from(self.first), f64::from(self.last));
        LEFT + WIDTH * ((value.max(f64::MIN_POSITIVE).log10() - first) / (last - first)).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Axis, LEFT, WIDTH};

    #[test]
    fn the_axis_reaches_the_next_power_of_ten_and_holds_every_value() {
        let axis = Axis::over([3.0, 420.0].into_iter());
        assert_eq!(axis.ticks().collect::<Vec<f64>>(), [1.0, 10.0, 100.0, 1_000.0]);
        assert_eq!(axis.place(1.0), LEFT);
        assert_eq!(axis.place(1_000.0), LEFT + WIDTH);
        assert_eq!(axis.place(-2.0), LEFT);
        assert!(axis.place(10.0) < axis.place(100.0));
    }
}
