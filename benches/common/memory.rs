//! The memory of this process, by the operating system.

/// The memory of this process in bytes, now and the most it ever was; `None` without the `/proc/self/status` of Linux.
pub(crate) fn memory() -> Option<(f64, f64)> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let of = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse().ok().map(|kilobytes: f64| kilobytes * 1024.0)
    };
    Some((of("VmRSS:")?, of("VmHWM:")?))
}
