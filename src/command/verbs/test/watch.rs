//! `--watch`: waits until a file changes.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// How often files are looked at. Looking works on every file system, also on those that report no changes.
const INTERVAL: Duration = Duration::from_millis(300);

/// When each file changed last; `None` for one that is not there, as while an editor replaces it.
fn times(files: &[PathBuf]) -> Vec<Option<SystemTime>> {
    files.iter().map(|file| file.metadata().and_then(|metadata| metadata.modified()).ok()).collect()
}

/// Returns once one of these files has changed after `since`, the time before they were read.
pub fn wait_for_a_change(files: &[PathBuf], since: SystemTime) {
    let before = times(files);
    if before.iter().flatten().any(|changed| *changed > since) {
        return;
    }
    while times(files) == before {
        std::thread::sleep(INTERVAL);
    }
}
