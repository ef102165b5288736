//! One Envoy process: started from a bootstrap, asked through its admin interface, ended when dropped.

mod bootstrap;
pub mod extension;
mod prepared;

pub use bootstrap::{Bootstrap, Chain, guard_filter, wasm_filter};
pub use prepared::prepare_for_lean;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::answer::Answer;
use crate::clock::{Deadline, Stopwatch};
use crate::http1;

/// Longest wait until Envoy is ready; compiling the module takes most of it.
const START_TIMEOUT: Duration = Duration::from_secs(90);

/// The bootstrap in an Envoy's folder.
const CONFIGURATION: &str = "bootstrap.json";

/// A running Envoy.
pub struct Envoy {
    child: Child,
    admin: SocketAddr,
    folder: PathBuf,
    load_time: Duration,
    load_cpu: Duration,
}

/// What a process holds, from `/proc/<pid>/status`, in KiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Resident set, with the pages of the binary itself.
    pub resident_kib: u64,
    /// Of these the anonymous ones: heap, code that V8 made, the modules' memory.
    pub anonymous_kib: u64,
}

impl Envoy {
    /// Starts Envoy with so many workers and waits until it is ready. Everything it writes goes to `folder`.
    ///
    /// # Errors
    /// It cannot be run, or ends or hangs before it is ready; the error holds the end of its log.
    pub fn start(binary: &Path, bootstrap: &Bootstrap, workers: u32, folder: &Path) -> io::Result<Self> {
        Self::start_with(&[], binary, bootstrap, workers, folder)
    }

    /// The same, with more arguments.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_with(
        arguments: &[&str],
        binary: &Path,
        bootstrap: &Bootstrap,
        workers: u32,
        folder: &Path,
    ) -> io::Result<Self> {
        let (config, admin_file) = (folder.join(CONFIGURATION), folder.join("admin.txt"));
        fs::write(&config, bootstrap.text()?)?;
        let started = Stopwatch::start();
        let child = command(binary, &config)
            .args(["--concurrency", &workers.to_string()])
            .args(arguments)
            .arg("--admin-address-path")
            .arg(&admin_file)
            .stdout(File::create(folder.join("access.log"))?)
            .stderr(File::create(folder.join("envoy.log"))?)
            .spawn()?;
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        // From here on dropping `envoy` ends the process, also on an early return.
        let mut envoy = Self {
            child,
            admin: unknown,
            folder: folder.to_path_buf(),
            load_time: Duration::ZERO,
            load_cpu: Duration::ZERO,
        };
        let ready = Deadline::after(START_TIMEOUT).poll(|| {
            if let Ok(Some(status)) = envoy.child.try_wait() {
                return Some(Err(io::Error::other(format!("ended with {status}"))));
            }
            envoy.admin = fs::read_to_string(&admin_file).ok()?.trim().parse().ok()?;
            matches!(envoy.ask("GET", "/ready"), Ok(answer) if answer.status == 200).then_some(Ok(()))
        });
        envoy.load_time = started.elapsed();
        envoy.load_cpu = envoy.cpu();
        match ready {
            Some(Ok(())) => Ok(envoy),
            Some(Err(error)) => Err(io::Error::other(format!("envoy {error}; its log ends:\n{}", envoy.log_end()))),
            None => Err(io::Error::other(format!("envoy was not ready in time; its log ends:\n{}", envoy.log_end()))),
        }
    }

    /// Loads a bootstrap as a start would, without listening (`--mode validate`): exit status and messages.
    ///
    /// # Errors
    /// It cannot be run.
    pub fn validate(binary: &Path, bootstrap: &Bootstrap, folder: &Path) -> io::Result<Output> {
        let config = folder.join(CONFIGURATION);
        fs::write(&config, bootstrap.text()?)?;
        command(binary, &config).args(["--mode", "validate"]).stdin(Stdio::null()).output()
    }

    /// The file that it was started with.
    #[must_use]
    pub fn configuration(&self) -> PathBuf {
        self.folder.join(CONFIGURATION)
    }

    /// Where its admin interface listens.
    #[must_use]
    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    fn ask(&self, method: &str, path: &str) -> io::Result<Answer> {
        http1::Request::new(method, path.as_bytes())
            .header("host", b"admin")
            .header("connection", b"close")
            .send(self.admin)
    }

    fn json(&self, path: &str) -> io::Result<Value> {
        Ok(self.ask("GET", path)?.json())
    }

    /// Its statistics as Prometheus reads them.
    ///
    /// # Errors
    /// The admin interface does not answer.
    pub fn prometheus(&self) -> io::Result<String> {
        Ok(self.ask("GET", "/stats/prometheus")?.text())
    }

    /// All that it runs with now, as the admin interface tells it.
    ///
    /// # Errors
    /// The admin interface does not answer.
    pub fn configuration_dump(&self) -> io::Result<Value> {
        self.json("/config_dump")
    }

    /// Where the listener of this name listens.
    ///
    /// # Errors
    /// There is none, or the admin interface does not answer.
    pub fn listener(&self, name: &str) -> io::Result<SocketAddr> {
        let listeners = self.json("/listeners?format=json")?;
        let all = listeners["listener_statuses"].as_array().cloned().unwrap_or_default();
        let found = all.iter().find(|status| status["name"] == name);
        let address = found.map(|status| &status["local_address"]["socket_address"]);
        address
            .and_then(|socket| format!("{}:{}", socket["address"].as_str()?, socket["port_value"]).parse().ok())
            .ok_or_else(|| io::Error::other(format!("envoy has no listener `{name}`")))
    }

    /// The counters and gauges whose names match the regular expression.
    ///
    /// # Errors
    /// The admin interface does not answer.
    pub fn stats(&self, filter: &str) -> io::Result<BTreeMap<String, u64>> {
        let stats = self.json(&format!("/stats?format=json&filter={filter}"))?;
        let all = stats["stats"].as_array().cloned().unwrap_or_default();
        Ok(all.iter().filter_map(|stat| Some((stat["name"].as_str()?.to_owned(), stat["value"].as_u64()?))).collect())
    }

    /// Waits until a counter or gauge has at least this value.
    ///
    /// # Errors
    /// It did not get there within ten seconds.
    pub fn wait_for_stat(&self, name: &str, value: u64) -> io::Result<()> {
        let deadline = Deadline::after(Duration::from_secs(10));
        let reached = deadline.poll(|| (*self.stats(name).ok()?.get(name)? >= value).then_some(()));
        reached.ok_or_else(|| io::Error::other(format!("`{name}` did not reach {value}")))
    }

    /// How many configurations of the discovered plugin all workers have dealt with so far, and how many of them Envoy
    /// rejected.
    ///
    /// # Errors
    /// The admin interface does not answer.
    pub fn extension_changes(&self) -> io::Result<(u64, u64)> {
        let prefix = format!("extension_config_discovery.http_filter.{}.", extension::NAME);
        let stats = self.stats(&prefix)?;
        let count = |what: &str| {
            let of = |(stat, _): &(&String, &u64)| stat.ends_with(&format!("{prefix}{what}"));
            stats.iter().filter(of).map(|(_, count)| count).sum()
        };
        Ok((count("config_reload"), count("config_fail")))
    }

    /// Logs warnings and errors alone from now on: not a line for each refused request.
    ///
    /// # Errors
    /// The admin interface does not answer.
    pub fn log_warnings_only(&self) -> io::Result<()> {
        match self.ask("POST", "/logging?level=warning")? {
            answer if answer.status == 200 => Ok(()),
            answer => Err(io::Error::other(format!("envoy keeps its log level: {}", answer.text()))),
        }
    }

    /// All it logged so far, without access lines.
    #[must_use]
    pub fn log(&self) -> String {
        read_lossy(&self.folder.join("envoy.log"))
    }

    /// The access lines so far.
    #[must_use]
    pub fn access_log(&self) -> String {
        read_lossy(&self.folder.join("access.log"))
    }

    /// Waits for the access line that holds this text.
    #[must_use]
    pub fn access_line(&self, text: &str) -> Option<String> {
        let deadline = Deadline::after(Duration::from_secs(5));
        deadline.poll(|| self.access_log().lines().find(|line| line.contains(text)).map(str::to_owned))
    }

    /// The process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The time from the start of the process until it was ready.
    #[must_use]
    pub fn load_time(&self) -> Duration {
        self.load_time
    }

    /// The processor time, of all its threads, that it took until it was ready: what load on the machine does not change.
    #[must_use]
    pub fn load_cpu(&self) -> Duration {
        self.load_cpu
    }

    /// Processor time so far, from `/proc/<pid>/stat` (proc(5): utime and stime, in hundredths of a second on Linux).
    fn cpu(&self) -> Duration {
        let stat = read_lossy(Path::new(&format!("/proc/{}/stat", self.child.id())));
        // The program's name, in parentheses, may hold spaces: fields are counted behind it.
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let ticks: u64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Duration::from_millis(10 * ticks)
    }

    /// What it holds now.
    #[must_use]
    pub fn memory(&self) -> Memory {
        let status = read_lossy(Path::new(&format!("/proc/{}/status", self.child.id())));
        let kib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        Memory { resident_kib: kib("VmRSS:").unwrap_or_default(), anonymous_kib: kib("RssAnon:").unwrap_or_default() }
    }

    /// Whether the process still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn log_end(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        // SIGKILL to the child that was started here, and to nothing else; there is no state to save.
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// Hot restart is off: it would tie Envoys on one machine together. Logs are flushed often, for tests read them.
fn command(binary: &Path, config: &Path) -> Command {
    let mut command = Command::new(binary);
    command.arg("--config-path").arg(config).args([
        "--disable-hot-restart",
        "--log-level",
        "warning",
        "--component-log-level",
        "wasm:info,config:info",
        "--file-flush-interval-msec",
        "20",
    ]);
    command.stdin(Stdio::null());
    command
}

fn read_lossy(path: &Path) -> String {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}
