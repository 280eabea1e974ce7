//! How fast Prometheus' text is read, beside the least that a program can do with it: read its lines and parse their numbers. In
//! turns, in one run, all in memory:
//!
//! ```text
//! cargo run --release -p evenkeel-cli --example prometheus_rate -- 100
//! ```
//!
//! The argument is the size of the text in megabytes. Lines have the form of those of the node exporter. The ratios of the turns
//! are what to quote.

use evenkeel_cli::probe::{self, Format};
use std::env;
use std::error::Error;
use std::fmt::Write;
use std::io::{BufRead, BufReader, Cursor};
use std::sync::Arc;
use std::time::Instant;

/// What reads the lines.
type Program = fn(&Arc<str>) -> u64;

const TURNS: usize = 7;

fn main() -> Result<(), Box<dyn Error>> {
    let megabytes: usize = env::args().nth(1).map_or(Ok(100), |size| size.parse())?;
    let text: Arc<str> = Arc::from(scrapes(megabytes << 20));
    let lines = text.lines().filter(|line| !line.starts_with('#')).count() as u64;
    println!("{lines} samples in {} MB, best of {TURNS} turns", text.len() >> 20);
    let programs: [(&str, Program); 2] = [("floor", floor), ("reader", reader)];
    let mut best = [f64::INFINITY; 2];
    for _ in 0..TURNS {
        for ((name, program), best) in programs.iter().zip(&mut best) {
            let start = Instant::now();
            assert_eq!(program(&text), lines, "{name}");
            *best = best.min(start.elapsed().as_secs_f64());
        }
    }
    for ((name, _), seconds) in programs.iter().zip(best) {
        #[allow(clippy::cast_precision_loss)]
        let rate = text.len() as f64 / seconds / 1e6;
        println!("{name:7} {rate:5.0} MB/s, {:.2} of the floor's time", seconds / best[0]);
    }
    Ok(())
}

/// Scrapes of a machine with some devices, one after the other.
fn scrapes(size: usize) -> String {
    let mut text = String::with_capacity(size + (64 << 10));
    let mut state = 1_u64;
    while text.len() < size {
        let mut number = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 40
        };
        // Writing to a string cannot fail.
        text.push_str("# HELP node_cpu_seconds_total Seconds the CPUs spent in each mode.\n# TYPE node_cpu_seconds_total counter\n");
        for cpu in 0..32 {
            for mode in ["idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"] {
                let _ = writeln!(
                    text,
                    "node_cpu_seconds_total{{cpu=\"{cpu}\",mode=\"{mode}\"}} {}.{:02}",
                    number(),
                    number() % 100
                );
            }
        }
        text.push_str(
            "# HELP node_filesystem_avail_bytes Space available.\n# TYPE node_filesystem_avail_bytes gauge\n",
        );
        for disk in 0..32 {
            let _ = writeln!(
                text,
                "node_filesystem_avail_bytes{{device=\"/dev/nvme{disk}n1p1\",fstype=\"ext4\",mountpoint=\"/srv/{disk}\"}} {}.{:06}e+10",
                1 + number() % 9,
                number() % 1_000_000
            );
        }
        for name in
            ["node_load1", "node_load5", "node_load15", "node_memory_MemFree_bytes", "node_context_switches_total"]
        {
            let _ = writeln!(text, "# HELP {name} Help.\n# TYPE {name} gauge\n{name} {}", number());
        }
    }
    text
}

/// Lines as the standard library reads them, and the number behind the last space of each.
fn floor(text: &Arc<str>) -> u64 {
    let mut input = BufReader::with_capacity(256 << 10, Cursor::new(Arc::<[u8]>::from(Arc::clone(text))));
    let (mut line, mut count, mut sum) = (Vec::new(), 0, 0.0);
    while input.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        let text = line.trim_ascii_end();
        if text.starts_with(b"#") {
            line.clear();
            continue;
        }
        let number = memchr::memrchr(b' ', text).and_then(|at| text.get(at + 1..));
        sum += number.and_then(|number| fast_float2::parse::<f64, _>(number).ok()).unwrap_or(f64::NAN);
        count += 1;
        line.clear();
    }
    assert!(sum.is_finite());
    count
}

fn reader(text: &Arc<str>) -> u64 {
    probe::count_samples(Cursor::new(Arc::<[u8]>::from(Arc::clone(text))), Format::Prometheus)
}
