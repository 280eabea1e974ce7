//! This machine's own metrics, and when they are due.

use crate::failure::Failure;
use std::collections::HashMap;
use std::ffi::OsString;
use std::time::{Duration, Instant};
use sysinfo::{
    DiskRefreshKind, Disks, IS_SUPPORTED_SYSTEM, MINIMUM_CPU_UPDATE_INTERVAL, Networks, ProcessRefreshKind,
    ProcessesToUpdate, System,
};

/// Least interval between rows. The CPU's counters are not read more often than every 200 ms, and a reading that
/// is a few milliseconds late must not bring the next one below that.
const LEAST_INTERVAL: Duration = Duration::from_millis(250);

/// The columns: their names, and decimals enough to see the metric move.
pub(crate) const COLUMNS: [(&str, usize); 11] = [
    ("cpu_percent", 2),
    ("cpu_busiest_percent", 2),
    ("memory_used_mb", 1),
    ("swap_used_mb", 1),
    ("load_1m", 2),
    ("disk_read_mb_per_s", 3),
    ("disk_write_mb_per_s", 3),
    ("net_received_kb_per_s", 3),
    ("net_sent_kb_per_s", 3),
    ("loopback_kb_per_s", 3),
    ("processes", 0),
];

/// An error if the interval is too short to measure the load of the CPU.
pub(crate) fn check_interval(every: Duration) -> Result<(), Failure> {
    if every >= LEAST_INTERVAL {
        return Ok(());
    }
    Err(Failure::usage(format!("--every {every:?} is too short to measure the CPU load: at least {LEAST_INTERVAL:?}")))
}

/// The moment at which the reading after the one of `last` is due; missed readings are left out. `None` past the
/// clock's last moment.
pub(crate) fn next_due(last: Instant, every: Duration) -> Option<Instant> {
    let mut next = last.checked_add(every)?;
    while let Some(later) = next.checked_add(every).filter(|later| *later <= Instant::now()) {
        next = later;
    }
    Some(next)
}

/// The machine, with its counters as of the last reading.
pub(crate) struct Host {
    system: System,
    disks: Disks,
    networks: Networks,
    disk_bytes: Counters,
    network_bytes: Counters,
    loopback_bytes: Counters,
    read_at: Option<Instant>,
    cpu_read_at: Option<Instant>,
}

impl Host {
    pub(crate) fn new() -> anyhow::Result<Self> {
        anyhow::ensure!(IS_SUPPORTED_SYSTEM, "this system offers no metrics");
        Ok(Self {
            system: System::new(),
            disks: Disks::new(),
            networks: Networks::new(),
            disk_bytes: Counters::default(),
            network_bytes: Counters::default(),
            loopback_bytes: Counters::default(),
            read_at: None,
            cpu_read_at: None,
        })
    }

    /// Reads all metrics at `now`, in the order of [`COLUMNS`]. Rates are missing at the first reading.
    pub(crate) fn read(&mut self, now: Instant) -> [Option<f64>; COLUMNS.len()] {
        let seconds = self
            .read_at
            .replace(now)
            .map(|before| now.saturating_duration_since(before).as_secs_f64())
            .filter(|seconds| *seconds > 0.0);
        let (cpu, busiest) = self.cpu().unzip();
        self.system.refresh_memory();
        let [disk_read, disk_written] = self.disks();
        let ([received, sent], loopback) = self.networks();
        let rate = |bytes: u64, unit: f64| seconds.map(|seconds| bytes as f64 / unit / seconds);
        [
            cpu,
            busiest,
            Some(self.system.used_memory() as f64 / 1e6),
            Some(self.system.used_swap() as f64 / 1e6),
            Some(System::load_average().one),
            rate(disk_read, 1e6),
            rate(disk_written, 1e6),
            rate(received, 1e3),
            rate(sent, 1e3),
            rate(loopback, 1e3),
            self.processes(),
        ]
    }

    /// Mean load of all CPUs and load of the busiest. A reading too close to the one before is missing: `sysinfo` would
    /// repeat its last answer.
    fn cpu(&mut self) -> Option<(f64, f64)> {
        let fresh = self.cpu_read_at.is_none_or(|before| before.elapsed() >= MINIMUM_CPU_UPDATE_INTERVAL);
        if !fresh {
            return None;
        }
        self.system.refresh_cpu_usage();
        // Taken after the reading, so that it is never judged too old.
        self.cpu_read_at = Some(Instant::now());
        let busiest = self.system.cpus().iter().map(|cpu| f64::from(cpu.cpu_usage())).reduce(f64::max)?;
        Some((f64::from(self.system.global_cpu_usage()), busiest))
    }

    /// Bytes read and written since the last reading by every disk that carries a mounted file system.
    fn disks(&mut self) -> [u64; 2] {
        self.disks.refresh_specifics(true, DiskRefreshKind::nothing().with_io_usage());
        self.disk_bytes.moved(self.disks.iter().map(|disk| {
            // On Linux the counters are the device's, and a device may be mounted more than once.
            let key = if cfg!(target_os = "linux") { disk.name() } else { disk.mount_point().as_os_str() };
            let usage = disk.usage();
            (key.to_owned(), [usage.total_read_bytes, usage.total_written_bytes])
        }))
    }

    /// Bytes received and sent since the last reading by the interfaces that lead out of this machine, and bytes that
    /// went over the loopback interface, where received and sent are the same.
    fn networks(&mut self) -> ([u64; 2], u64) {
        self.networks.refresh(true);
        let (local, outer): (Vec<_>, Vec<_>) = self
            .networks
            .iter()
            .map(|(name, data)| (data, (OsString::from(name), [data.total_received(), data.total_transmitted()])))
            .partition(|(data, _)| data.ip_networks().iter().any(|network| network.addr.is_loopback()));
        let totals = |list: Vec<(_, _)>| list.into_iter().map(|(_, total)| total);
        let [loopback, _] = self.loopback_bytes.moved(totals(local));
        (self.network_bytes.moved(totals(outer)), loopback)
    }

    fn processes(&mut self) -> Option<f64> {
        let kind = ProcessRefreshKind::nothing().without_tasks();
        self.system.refresh_processes_specifics(ProcessesToUpdate::All, true, kind);
        // A system that counts not even this process does not offer the number.
        Some(self.system.processes().len() as f64).filter(|count| *count > 0.0)
    }
}

/// Running totals by name, as they were at the last reading.
#[derive(Default)]
struct Counters {
    last: HashMap<OsString, [u64; 2]>,
}

impl Counters {
    /// Returns how far all counters together have moved since the last call.
    ///
    /// A name that was not there before has moved by nothing: what it counted earlier did not happen in this interval.
    /// Nor has a counter that went back, which was reset.
    fn moved(&mut self, totals: impl Iterator<Item = (OsString, [u64; 2])>) -> [u64; 2] {
        let now: HashMap<_, _> = totals.collect();
        let mut sum = [0_u64; 2];
        for (name, total) in &now {
            if let Some(before) = self.last.get(name) {
                for ((sum, total), before) in sum.iter_mut().zip(total).zip(before) {
                    *sum = sum.saturating_add(total.saturating_sub(*before));
                }
            }
        }
        self.last = now;
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_and_reset_counters_have_not_moved() {
        let mut counters = Counters::default();
        let mut moved = |list: &[(&str, u64)]| {
            counters.moved(list.iter().map(|(name, total)| (OsString::from(name), [*total, 2 * *total])))
        };
        assert_eq!(moved(&[("a", 1000)]), [0, 0]);
        assert_eq!(moved(&[("a", 1010), ("b", 500)]), [10, 20]);
        assert_eq!(moved(&[("a", 3), ("b", 501)]), [1, 2]);
        assert_eq!(moved(&[("b", 502)]), [1, 2]);
        assert_eq!(moved(&[("a", 4), ("b", 502)]), [0, 0]);
    }

    #[test]
    fn the_second_reading_has_rates() -> anyhow::Result<()> {
        let mut host = Host::new()?;
        let start = Instant::now();
        let first = host.read(start);
        assert_eq!(first[5..10], [None; 5]);
        let second = host.read(start + Duration::from_secs(1));
        assert!(second[5..10].iter().all(|rate| rate.is_some_and(|rate| rate >= 0.0)), "{second:?}");
        assert!(second.iter().flatten().all(|value| value.is_finite()), "{second:?}");
        Ok(())
    }
}
