//! Metrics of the machine during a run, with the names of MLflow's own client.
//!
//! GPUs are not measured.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use super::mlflow::{flag, number};
use super::{ActiveRun, TrackingError};
use pdm_core::events::{Event, Observer};

const ENABLED: &str = "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING";
const INTERVAL: &str = "MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL";
const SAMPLES: &str = "MLFLOW_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING";
const NODE: &str = "MLFLOW_SYSTEM_METRICS_NODE_ID";
const MEGABYTE: f64 = 1e6;

/// Interval and name of the metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemOptions {
    interval: Duration,
    /// Number of samples whose mean is logged.
    samples: u32,
    prefix: String,
}

impl SystemOptions {
    /// Returns the options from the environment and the pipeline's switch; `None` if the metrics are off.
    ///
    /// # Errors
    /// [`TrackingError::Setting`] if a variable has a wrong value.
    pub fn read(
        switch: Option<bool>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, TrackingError> {
        if !switch.or(flag(&variable, ENABLED)?).unwrap_or(false) {
            return Ok(None);
        }
        let seconds: f64 = number(&variable, INTERVAL)?.unwrap_or(10.0);
        let positive = Duration::try_from_secs_f64(seconds)
            .ok()
            .filter(|interval| !interval.is_zero());
        let refuse = || TrackingError::Setting {
            name: INTERVAL,
            value: seconds.to_string(),
            expected: "a positive number of seconds",
        };
        let node = variable(NODE)
            .map(|node| format!("{node}/"))
            .unwrap_or_default();
        let samples = number(&variable, SAMPLES)?.unwrap_or(1).max(1);
        Ok(Some(Self {
            interval: positive.ok_or_else(refuse)?,
            samples,
            prefix: format!("system/{node}"),
        }))
    }
}

/// Logs metrics of the machine to a run from a background thread; stops when dropped.
pub struct SystemWatch {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl SystemWatch {
    /// Starts the thread.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn begin(run: Arc<ActiveRun>, options: SystemOptions) -> io::Result<Self> {
        let (stop, stopped) = channel();
        let watch = move || watch(&run, &options, &stopped);
        let thread = thread::Builder::new()
            .name("system-metrics".to_owned())
            .spawn(watch)?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for SystemWatch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic was already printed.
            let _ = thread.join();
        }
    }
}

fn watch(run: &ActiveRun, options: &SystemOptions, stopped: &Receiver<()>) {
    let mut machine = Machine::new();
    for step in 0.. {
        let mut sums = BTreeMap::new();
        for _ in 0..options.samples {
            if stopped.recv_timeout(options.interval) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            for (name, value) in machine.sample() {
                *sums.entry(name).or_insert(0.0) += value;
            }
        }
        let totals = machine.network();
        let means = sums.into_iter().map(|(name, sum)| {
            (
                name,
                (sum / f64::from(options.samples) * 10.0).round() / 10.0,
            )
        });
        for (name, value) in means.chain(totals) {
            run.on(&Event::Metric {
                key: format!("{}{name}", options.prefix),
                step,
                value,
            });
        }
    }
}

struct Machine {
    system: System,
    /// Bytes received and sent before the run.
    before: Option<[u64; 2]>,
}

impl Machine {
    fn new() -> Self {
        let cpu = CpuRefreshKind::nothing().with_cpu_usage();
        let mut system = System::new_with_specifics(
            RefreshKind::nothing()
                .with_cpu(cpu)
                .with_memory(MemoryRefreshKind::nothing().with_ram()),
        );
        system.refresh_cpu_usage();
        Self {
            system,
            before: traffic(),
        }
    }

    fn sample(&mut self) -> Vec<(&'static str, f64)> {
        self.system.refresh_cpu_usage();
        self.system
            .refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        let used = self.system.used_memory() as f64;
        let total = self.system.total_memory().max(1) as f64;
        let mut values = vec![
            (
                "cpu_utilization_percentage",
                f64::from(self.system.global_cpu_usage()),
            ),
            ("system_memory_usage_megabytes", used / MEGABYTE),
            ("system_memory_usage_percentage", 100.0 * used / total),
        ];
        if let Some([used, free]) = disk() {
            values.push((
                "disk_usage_percentage",
                100.0 * used / (used + free).max(1.0),
            ));
            values.push(("disk_usage_megabytes", used / MEGABYTE));
            values.push(("disk_available_megabytes", free / MEGABYTE));
        }
        values
    }

    /// Returns the megabytes received and sent since the run began.
    fn network(&self) -> Vec<(&'static str, f64)> {
        let Some((now, before)) = traffic().zip(self.before) else {
            return Vec::new();
        };
        let since = |at: usize| now[at].saturating_sub(before[at]) as f64 / MEGABYTE;
        vec![
            ("network_receive_megabytes", since(0)),
            ("network_transmit_megabytes", since(1)),
        ]
    }
}

/// Returns the bytes used and available on the disk of `/`.
#[cfg(unix)]
fn disk() -> Option<[f64; 2]> {
    let disk = rustix::fs::statvfs("/").ok()?;
    let bytes = |blocks: u64| blocks as f64 * disk.f_frsize as f64;
    Some([
        bytes(disk.f_blocks.saturating_sub(disk.f_bfree)),
        bytes(disk.f_bavail),
    ])
}

#[cfg(not(unix))]
fn disk() -> Option<[f64; 2]> {
    None
}

/// Returns the bytes received and sent since the machine started; only on Linux.
fn traffic() -> Option<[u64; 2]> {
    std::fs::read_to_string("/proc/net/dev")
        .ok()
        .map(|table| sum_of_devices(&table))
}

/// Sums `/proc/net/dev`: after a device's name, received bytes come first and sent bytes ninth.
fn sum_of_devices(table: &str) -> [u64; 2] {
    let numbers = |line: &str| {
        let (_, counts) = line.split_once(':')?;
        let counts: Vec<u64> = counts
            .split_whitespace()
            .map_while(|count| count.parse().ok())
            .collect();
        Some([*counts.first()?, *counts.get(8)?])
    };
    table
        .lines()
        .filter_map(numbers)
        .fold([0, 0], |[received, sent], [in_, out]| {
            [received + in_, sent + out]
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracking::{RunHeader, RunOutcome, RunStore};
    use pdm_core::events::Reporter;

    fn lookup(variables: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        |name| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn mlflow_s_own_variables_switch_it_on() {
        assert_eq!(SystemOptions::read(None, |_| None).unwrap(), None);
        let options = SystemOptions::read(None, lookup(&[(ENABLED, "true"), (NODE, "a")]))
            .unwrap()
            .unwrap();
        assert_eq!(
            (options.interval, options.samples, options.prefix.as_str()),
            (Duration::from_secs(10), 1, "system/a/")
        );
        assert_eq!(
            SystemOptions::read(Some(false), lookup(&[(ENABLED, "true")])).unwrap(),
            None
        );
        for wrong in ["0", "-1", "soon"] {
            let variable = |name: &str| (name == INTERVAL).then(|| wrong.to_owned());
            assert!(
                SystemOptions::read(Some(true), variable)
                    .unwrap_err()
                    .to_string()
                    .contains(INTERVAL)
            );
        }
    }

    #[test]
    fn devices_are_summed() {
        let table = "Inter-|   Receive  |  Transmit\n face |bytes packets|bytes\n    lo: 10 1 0 0 0 0 0 0 20 2 0 0 0 0 0 0\n  eth0:5 1 0 0 0 0 0 0 7 2 0 0 0 0 0 0\n";
        assert_eq!(sum_of_devices(table), [15, 27]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_watched_run_has_all_numbers_at_every_step() {
        let dir = tempfile::tempdir().unwrap();
        let store = RunStore::open(dir.path());
        let run = Arc::new(
            store
                .start(RunHeader::new("n", "p", "e"), &Reporter::silent())
                .unwrap(),
        );
        let options =
            SystemOptions::read(Some(true), lookup(&[(INTERVAL, "0.02"), (SAMPLES, "2")]))
                .unwrap()
                .unwrap();
        let watch = SystemWatch::begin(Arc::clone(&run), options).unwrap();
        let seen = || store.load(&run.id().to_string()).unwrap().metrics;
        while seen()
            .get("system/network_transmit_megabytes")
            .is_none_or(|points| points.len() < 2)
        {
            thread::sleep(Duration::from_millis(10));
        }
        drop(watch);
        run.finish(RunOutcome::Finished).unwrap();
        let metrics = seen();
        assert_eq!(metrics.len(), 8, "{metrics:?}");
        for (name, points) in &metrics {
            assert!(
                points
                    .iter()
                    .map(|point| point.step)
                    .eq(0..points.len() as u64),
                "{name}"
            );
        }
        let last = |name: &str| metrics[&format!("system/{name}")].last().unwrap().value.0;
        assert!((0.0..=100.0).contains(&last("cpu_utilization_percentage")));
        assert!((0.1..=100.0).contains(&last("system_memory_usage_percentage")));
        assert!(
            last("system_memory_usage_megabytes") > 10.0 && last("disk_available_megabytes") > 0.0
        );
    }
}
