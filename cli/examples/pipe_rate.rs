//! How fast `evenkeel pipe` is on the influx line protocol, beside programs that only parse it: the crate
//! `influxdb-line-protocol`, and this program's own reader. In turns, in one run, all in memory:
//!
//! ```text
//! cargo run --release -p evenkeel-cli --example pipe_rate -- 100000
//! ```
//!
//! The argument is the number of series. Points have the form of Telegraf's `cpu` with two fields. Lines per second are the
//! best of several turns; the ratios of the turns are what to quote.

use evenkeel_cli::probe::{self, Limits};
use influxdb_line_protocol::parse_lines;
use std::env;
use std::error::Error;
use std::fmt::Write;
use std::io::Cursor;
use std::time::Instant;

/// What reads the points.
type Program = fn(&str);

const TURNS: usize = 7;
/// Each series has so many samples in a turn.
const SAMPLES: u64 = 10;

fn main() -> Result<(), Box<dyn Error>> {
    let series: u64 = env::args().nth(1).map_or(Ok(100_000), |series| series.parse())?;
    let text = points(series / 2);
    let lines = text.lines().count();
    println!("{series} series, {lines} lines of {} bytes, best of {TURNS} turns", text.len() / lines);
    let programs: [(&str, Program); 3] = [("crate", by_crate), ("reader", by_reader), ("pipe", by_pipe)];
    let mut best = [f64::INFINITY; 3];
    for _ in 0..TURNS {
        for ((_, program), best) in programs.iter().zip(&mut best) {
            let start = Instant::now();
            program(&text);
            *best = best.min(start.elapsed().as_secs_f64());
        }
    }
    for ((name, _), seconds) in programs.iter().zip(best) {
        #[allow(clippy::cast_precision_loss)]
        let rate = lines as f64 / seconds;
        println!(
            "{name:7} {:6.2} million lines/s, {:.2} of the crate's, {:.2} of the reader's",
            rate / 1e6,
            best[0] / seconds,
            best[1] / seconds
        );
    }
    Ok(())
}

fn points(heads: u64) -> String {
    let mut text = String::new();
    let mut state = 1_u64;
    let mut percent = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        20_000_000 + (state >> 41)
    };
    for sample in 0..SAMPLES {
        for head in 0..heads {
            let (user, system) = (percent(), percent());
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "cpu,cpu=cpu{},host=server{:05},region=eu-west usage_user={}.{:06},usage_system={}.{:06} {}",
                head % 8,
                head / 8,
                user / 1_000_000,
                user % 1_000_000,
                system / 1_000_000,
                system % 1_000_000,
                1_700_000_000_000_000_000 + sample * 10_000_000_000
            );
        }
    }
    text
}

fn by_crate(text: &str) {
    let fields: usize = parse_lines(text).map(|point| point.map_or(0, |point| point.field_set.len())).sum();
    assert_eq!(fields, 2 * text.lines().count());
}

fn by_reader(text: &str) {
    let fields = probe::count_fields(Cursor::new(text.to_owned()));
    assert_eq!(fields, 2 * text.lines().count() as u64);
}

fn by_pipe(text: &str) {
    let piped =
        probe::pipe(&["--quiet"], Cursor::new(text.to_owned()), Limits::default(), |bytes| assert!(!bytes.is_empty()));
    assert_eq!((piped.said.len(), piped.stop), (0, None));
}
