//! The report as tables for a terminal.

use comfy_table::{CellAlignment, Table, presets};

use crate::module_targets::module_targets;
use crate::report::Report;
use crate::statistics::Spread;

/// Prints chains, ratios with their targets, and flavours.
pub fn print(report: &Report) {
    let mut chains = table(["chain", "CPU us/request", "over bare", "quartiles", "p50 us", "p99 us", "requests"]);
    for chain in &report.chains {
        chains.add_row([
            chain.name.to_owned(),
            format!("{:.1}", chain.cpu_us.median),
            format!("{:+.1}", chain.over_bare_us.median),
            quartiles(chain.over_bare_us, 1),
            format!("{:.0}", chain.p50_us),
            format!("{:.0}", chain.p99_us),
            chain.requests.to_string(),
        ]);
    }
    println!("{chains}");
    for (name, reason) in &report.left_out {
        println!("not measured: {name}: {reason}");
    }
    let mut flavours =
        table(["module", "bytes", "gzip -9", "load CPU s", "load wall s", "RSS over bare MiB", "more/worker MiB"]);
    for (name, cost) in &report.flavours {
        flavours.add_row([
            (*name).to_owned(),
            cost.bytes.to_string(),
            cost.gzip_bytes.to_string(),
            format!("{:.2}", cost.load_cpu_s),
            format!("{:.2}", cost.load_wall_s),
            format!("{:.1}", cost.rss_over_bare_mib),
            format!("{:.1}", cost.rss_more_per_worker_mib),
        ]);
    }
    println!("{flavours}");
    let mut targets = table(["module", "measured", "value", "target", ""]);
    for target in module_targets(&report.flavours) {
        targets.add_row([
            target.flavour.to_owned(),
            target.what.to_owned(),
            format!("{:.2}", target.value),
            format!("<= {}", target.target),
            verdict(target.value <= target.target).to_owned(),
        ]);
    }
    println!("{targets}");
    let mut ratios = table(["ratio", "value", "quartiles", "target", "", "of", "to"]);
    for ratio in &report.ratios {
        ratios.add_row([
            ratio.rule.name.to_owned(),
            ratio.value.map_or_else(|| "null".to_owned(), |value| format!("{:.2}", value.median)),
            ratio.value.map(|value| quartiles(value, 2)).unwrap_or_default(),
            ratio.rule.target.map(|target| format!("<= {target}")).unwrap_or_default(),
            ratio.reached().map(verdict).unwrap_or_default().to_owned(),
            ratio.rule.of.to_owned(),
            ratio.rule.to.to_owned(),
        ]);
    }
    println!("{ratios}");
    for ratio in report.ratios.iter().filter(|ratio| ratio.value.is_none()) {
        println!("{} is null: {}", ratio.rule.name, report.why_absent(ratio.rule));
    }
}

const fn verdict(reached: bool) -> &'static str {
    if reached { "reached" } else { "MISSED" }
}

fn quartiles(spread: Spread, places: usize) -> String {
    format!("{:.places$} .. {:.places$}", spread.low, spread.high)
}

/// The first column holds names, the others numbers.
pub fn table<const COLUMNS: usize>(header: [&str; COLUMNS]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
