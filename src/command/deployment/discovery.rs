//! Filters whose configuration is discovered (ECDS) and is in none of the files, where the plugin is meant.
//!
//! Until the configuration arrives, and wherever it is refused, Envoy runs `default_config` in its place. Without a
//! default it answers every request with 500.

use super::codes::Code;
use super::findings::Findings;
use super::guard;
use super::model::{Chain, Filter, HttpConnectionManager, Model};
use super::plugin::WASM;

/// The name by which a filter counts as the plugin.
const NAME: &str = "countersign";

/// Checks all filters whose configuration is in none of the files.
pub fn check(model: &Model<'_>, findings: &mut Findings) {
    for (_, filter) in unseen(model) {
        let part = filter.undiscovered.as_ref().unwrap_or(&filter.part);
        let what =
            format!("the configuration of the filter `{}` is discovered, and none of the files has it", filter.name);
        let help = "give the file with the extension's configuration too, or check Envoy's configuration dump";
        findings.add(Code::PluginUnseen, part, &what, help);
        if let Some(default) = filter.until_discovered.as_ref().filter(|_| filter.plugin.is_none()) {
            let waits = part.flag("apply_default_config_without_warming");
            let when = if waits { "from the start, until" } else { "if it is not there at the start, until" };
            let what = format!(
                "the filter `{}` runs `default_config`, which is not the plugin, {when} the plugin is discovered",
                filter.name
            );
            let help =
                "remove `default_config` and `apply_default_config_without_warming`: Envoy then waits for the plugin";
            findings.add(Code::PluginDisabled, default, &what, help);
        }
    }
}

/// Such filters, each with its connection manager.
pub fn unseen<'m, 'a>(model: &'m Model<'a>) -> impl Iterator<Item = (&'m HttpConnectionManager<'a>, &'m Filter<'a>)> {
    let chains = model.managers.iter().flat_map(|manager| manager.chains.iter().map(move |chain| (manager, chain)));
    chains.flat_map(move |(manager, chain)| {
        let filters = chain.filters.iter().filter(move |filter| may_be_plugin(model, chain, filter));
        filters.map(move |filter| (manager, filter))
    })
}

/// Whether a connection manager may have the plugin, though it is in none of the files.
pub fn may_have_plugin(model: &Model<'_>, manager: &HttpConnectionManager<'_>) -> bool {
    unseen(model).any(|(own, _)| core::ptr::eq(own, manager))
}

/// Whether a filter is the plugin by its default, is called so or is followed by a guard; or, where no file has the
/// plugin, whether it is some wasm module.
fn may_be_plugin(model: &Model<'_>, chain: &Chain<'_>, filter: &Filter<'_>) -> bool {
    let Some(discovery) = &filter.undiscovered else { return false };
    let after = || chain.filters.iter().skip_while(|other| !other.part.holds(&filter.part)).skip(1);
    let guarded = || after().any(|other| guard::name_of(other).is_some());
    let is_wasm = || {
        let types = discovery.list("type_urls");
        types.iter().any(|url| url.text().is_some_and(|url| url.rsplit('/').next() == Some(WASM)))
    };
    let in_chain = chain.has_plugin() && filter.plugin.is_none();
    filter.plugin.is_some()
        || filter.name.contains(NAME)
        || (!in_chain && guarded())
        || (model.plugins.is_empty() && is_wasm())
}
