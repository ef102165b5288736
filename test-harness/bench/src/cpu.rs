//! The processor time that a process has used, as the kernel's scheduler counts it.

use std::fs;
use std::io;
use std::time::Duration;

/// Processor time of all threads of a process that still run, to the nanosecond.
///
/// The hundredths of a second in `/proc/<pid>/stat` are too coarse for a slice of a second. The kernel brings the count
/// of a running thread up to date at its next tick only, so read this while the process has nothing to do.
///
/// # Errors
/// The process is gone, or the kernel does not count (`CONFIG_SCHED_INFO`).
pub fn of_threads(pid: u32) -> io::Result<Duration> {
    let mut nanoseconds = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let path = thread?.path().join("schedstat");
        // A thread that ended meanwhile has no count any more.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        nanoseconds += on_processor(&text)
            .ok_or_else(|| io::Error::other(format!("`{}` has no processor time: {text:?}", path.display())))?;
    }
    match nanoseconds {
        0 => Err(io::Error::other(format!("the kernel counts no processor time in `/proc/{pid}/task/*/schedstat`"))),
        nanoseconds => Ok(Duration::from_nanos(nanoseconds)),
    }
}

/// The first field of a `schedstat`: nanoseconds on a processor.
fn on_processor(schedstat: &str) -> Option<u64> {
    schedstat.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::on_processor;

    #[test]
    fn the_first_field_is_the_time_on_a_processor() {
        assert_eq!(on_processor("60847477 192722625 187\n"), Some(60_847_477));
        assert_eq!(on_processor(""), None);
    }
}
