//! Configurations of the lean module: their policies are prepared when they are written for Envoy. Until then they are text,
//! so that tests can change them.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use serde_json::Value;

use crate::paths;

/// What the command made of configurations so far; `None` for one with errors.
static KNOWN: Mutex<BTreeMap<String, Option<String>>> = Mutex::new(BTreeMap::new());

/// Prepares the policies of each wasm filter inside that runs the lean module, if they are not prepared yet. A configuration
/// with errors stays as it is: the module is to report them.
///
/// # Errors
/// The command cannot be run.
pub fn prepare_for_lean(value: &mut Value) -> io::Result<()> {
    if let Some(configuration) = configuration_of_lean(value) {
        let text = match &*configuration {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if is_prepared(&text) {
            return Ok(());
        }
        if let Some(prepared) = prepared(&text)? {
            *configuration = match configuration {
                Value::String(_) => Value::String(prepared),
                _ => serde_json::from_str(&prepared)?,
            };
        }
        return Ok(());
    }
    match value {
        Value::Object(members) => members.values_mut().try_for_each(prepare_for_lean),
        Value::Array(elements) => elements.iter_mut().try_for_each(prepare_for_lean),
        _ => Ok(()),
    }
}

/// The plugin configuration, if the value is the `PluginConfig` of the lean module.
fn configuration_of_lean(value: &mut Value) -> Option<&mut Value> {
    let file = value.pointer("/vm_config/code/local/filename")?.as_str()?;
    if Path::new(file).file_name()? != paths::LEAN_MODULE {
        return None;
    }
    value.pointer_mut("/configuration/value")
}

fn is_prepared(configuration: &str) -> bool {
    serde_json::from_str::<Value>(configuration).is_ok_and(|value| value["policies"]["prepared"].is_string())
}

fn prepared(configuration: &str) -> io::Result<Option<String>> {
    let poisoned = |_| io::Error::other("another test panicked while it prepared a configuration");
    if let Some(known) = KNOWN.lock().map_err(poisoned)?.get(configuration) {
        return Ok(known.clone());
    }
    let mut command = Command::new(paths::command()?);
    command.args(["prepare", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(configuration.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    let text = output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned());
    KNOWN.lock().map_err(poisoned)?.insert(configuration.to_owned(), text.clone());
    Ok(text)
}
