//! `evenkeel record`: this machine's own metrics as a CSV that `evenkeel track` reads as it is.
//!
//! One row per interval, flushed as it is made, so that a reader at the other end of a pipe sees it at once. Readings
//! are due at `start + k * every`: a late one does not push back those after it, and when the machine was suspended the
//! missed ones are left out rather than made up. Rates are differences of the system's counters over the time that
//! really passed between two readings, which is why the first row comes one interval after the start.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::machine::{COLUMNS, Host, check_interval, next_due};
use crate::patient::Patient;
use crate::text::time::interval;
use anyhow::Context;
use jiff::Timestamp;

/// Record this machine's own metrics as CSV, one row per interval
///
/// Columns: the time (RFC 3339, UTC), the mean load of all CPUs and that of the busiest one, memory and swap in use,
/// the load average of one minute, what the disks read and wrote, what the network interfaces received and sent, what
/// went over the loopback interface, and the number of processes. mb and kb are 1e6 and 1e3 bytes. A metric that the
/// system does not offer is an empty cell.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  evenkeel record --every 1s --for 10m --output host.csv
      Ten minutes of this machine, a row each second.
  evenkeel record | evenkeel track
      This machine's metrics, tracked as they are made.")]
pub(crate) struct RecordArgs {
    /// Time between rows, such as 500ms or 1s; at least 250ms
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = interval)]
    every: Duration,

    /// How long to record, such as 10m or 2h; until interrupted if left out
    #[arg(long = "for", value_name = "DURATION", value_parser = interval)]
    length: Option<Duration>,

    /// File to write as the rows come, replacing an older one at once; `-` or nothing for standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Records until the time is up, the reader has gone or the program is interrupted.
///
/// # Errors
///
/// An interval below the shortest, a time shorter than one interval, a system without metrics, or an output that cannot
/// be written. A closed pipe is not an error: the reader has seen enough.
pub(crate) fn run(args: &RecordArgs) -> Result<(), Failure> {
    check_interval(args.every)?;
    if let Some(length) = args.length
        && length < args.every
    {
        let every = args.every;
        return Err(Failure::usage(format!(
            "--for {length:?} is shorter than one interval of {every:?}: there would be no row"
        )));
    }
    let mut host = Host::new()?;
    let target = args.output.as_deref().filter(|path| *path != Path::new("-"));
    let result = match target {
        Some(path) => {
            let mut file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
            record(&mut file, &mut host, args.every, args.length)
        }
        None => record(&mut Patient(io::stdout()), &mut host, args.every, args.length),
    };
    match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other.with_context(|| match target {
            Some(path) => format!("cannot write {}", path.display()),
            None => "cannot write to standard output".to_owned(),
        })?),
    }
}

/// Writes the header and then one row at every deadline.
fn record(out: &mut dyn Write, host: &mut Host, every: Duration, length: Option<Duration>) -> io::Result<()> {
    let mut header = String::from("time");
    for (name, _) in COLUMNS {
        header.push(',');
        header.push_str(name);
    }
    header.push('\n');
    out.write_all(header.as_bytes())?;
    out.flush()?;

    let start = Instant::now();
    // A length that reaches past the clock's last moment is as good as none.
    let end = length.and_then(|length| start.checked_add(length));
    let mut next = start;
    host.read(start);
    loop {
        let Some(due) = next_due(next, every) else { return Ok(()) };
        next = due;
        if end.is_some_and(|end| next > end) {
            return Ok(());
        }
        thread::sleep(next.saturating_duration_since(Instant::now()));
        let values = host.read(Instant::now());
        let row = row(Timestamp::now(), &values);
        // A row goes out in one piece: an interrupt between two writes would leave half of it.
        out.write_all(row.as_bytes())?;
        out.flush()?;
    }
}

/// A row as a line of the CSV.
fn row(time: Timestamp, values: &[Option<f64>; COLUMNS.len()]) -> String {
    use std::fmt::Write as _;

    let mut row = format!("{time:.3}");
    for ((_, decimals), value) in COLUMNS.iter().zip(values) {
        row.push(',');
        if let Some(value) = value {
            // Writing to a String cannot fail.
            let _ = write!(row, "{value:.decimals$}");
        }
    }
    row.push('\n');
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_a_cell_for_every_column() {
        let mut values = [Some(1.0); COLUMNS.len()];
        values[1] = None;
        let row = row(Timestamp::UNIX_EPOCH, &values);
        assert!(row.starts_with("1970-01-01T00:00:00.000Z,1.00,,1.0,"), "{row}");
        assert!(row.ends_with(",1\n"), "{row}");
        assert_eq!(row.matches(',').count(), COLUMNS.len());
    }

    #[test]
    fn refuses_what_would_record_nothing() {
        let args = |every, length| RecordArgs { every, length, output: None };
        let second = Duration::from_secs(1);
        assert!(run(&args(Duration::from_millis(249), None)).is_err());
        assert!(run(&args(Duration::ZERO, Some(second))).is_err());
        assert!(run(&args(second, Some(Duration::from_millis(999)))).is_err());
    }
}
