//! The plugin as an extension that Envoy discovers by itself (ECDS), as `docs/deployment.md` shows it.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Value, json};

use super::prepared::prepare_for_lean;
use crate::page::Section;

/// The name of the extension, and of the filter that refers to it.
pub const NAME: &str = "countersign";

/// The cluster of the control plane.
pub const CONTROL_PLANE: &str = "control-plane";

/// Where the examples in YAML are in their section.
const FILTER_FROM_FILE: usize = 0;
const EXTENSION: usize = 1;
const FILTER_OVER_GRPC: usize = 2;

fn documented(number: usize) -> Value {
    Section::of("docs/deployment.md", "Change the rules without a restart").yaml(number)
}

/// The filter in a listener, whose configuration is read from this file.
#[must_use]
pub fn filter_from_file(file: &Path) -> Value {
    let mut filter = documented(FILTER_FROM_FILE)[0].clone();
    filter["config_discovery"]["config_source"]["path_config_source"]["path"] = json!(file);
    filter
}

/// The filter in a listener, whose configuration a control plane sends over gRPC.
#[must_use]
pub fn filter_over_grpc() -> Value {
    documented(FILTER_OVER_GRPC)[0].clone()
}

/// The extension: the plugin's filter with this module and this configuration.
///
/// # Errors
/// The policies cannot be prepared for the lean module.
pub fn extension(module: &Path, configuration: &Value) -> io::Result<Value> {
    let mut extension = documented(EXTENSION)["resources"][0].clone();
    let config = &mut extension["typed_config"]["config"];
    config["vm_config"]["code"] = json!({ "local": { "filename": module } });
    config["configuration"]["value"] = configuration.clone();
    prepare_for_lean(&mut extension)?;
    Ok(extension)
}

/// Puts an extension where Envoy watches for it: the file is moved into place, which is the change that Envoy notices.
///
/// # Errors
/// The file cannot be written.
pub fn publish(file: &Path, extension: &Value) -> io::Result<()> {
    let next = file.with_extension("next");
    fs::write(&next, json!({ "resources": [extension] }).to_string())?;
    fs::rename(&next, file)
}
