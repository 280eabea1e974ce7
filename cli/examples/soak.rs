//! A long run of `evenkeel pipe` under a bound on its series: does its memory stay, how fast is it beside a program that only
//! parses the same lines, and do its counters add up?
//!
//! ```text
//! cargo build --release -p evenkeel-cli && cargo run --release -p evenkeel-cli --example soak -- [LINES] [PLOT.svg]
//! ```
//!
//! By default 30 million lines of the influx line protocol come from a million series, of which 60,000 at a time are alive;
//! 100,000 may be followed, and the longest idle make room. One line in a thousand is malformed, one in five hundred is late.

use evenkeel_cli::probe;
use influxdb_line_protocol::parse_lines;
use plotters::prelude::*;
use std::env;
use std::error::Error;
use std::io::{self, BufRead, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const LINES: u64 = 30_000_000;
const SERIES: u64 = 1_000_000;
const ALIVE: u64 = 60_000;
const MOST: u64 = 100_000;
const BAD_EVERY: u64 = 1000;
const LATE_EVERY: u64 = 500;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let first = args.next();
    match first.as_deref() {
        Some("--read") => {
            println!("{}", probe::count_fields(io::stdin()));
            return Ok(());
        }
        Some("--parse") => {
            println!("{}", parse_all(io::stdin().lock())?);
            return Ok(());
        }
        _ => {}
    }
    let lines = first.map_or(Ok(LINES), |lines| lines.parse())?;
    let this = env::current_exe()?;
    let folder = this.parent().and_then(|folder| folder.parent()).ok_or("no folder above this program")?;

    let parse = run(Command::new(&this).arg("--parse"), lines)?;
    let read = run(Command::new(&this).arg("--read"), lines)?;
    let limits = ["--max-series", "100000", "--overflow", "evict", "--half-life", "10m"];
    let pipe = run(Command::new(folder.join("evenkeel")).arg("pipe").args(limits), lines)?;

    let rate = |run: &Run| lines as f64 / run.seconds / 1e6;
    println!("the crate influxdb-line-protocol alone  {:.2} million lines/s", rate(&parse));
    println!("the reader of evenkeel pipe alone       {:.2} million lines/s", rate(&read));
    let (of_parse, of_read) = (parse.seconds / pipe.seconds, read.seconds / pipe.seconds);
    println!("evenkeel pipe                           {:.2}, {of_parse:.2} and {of_read:.2} of these", rate(&pipe));
    let after = |part: u64| pipe.memory.iter().find(|(fed, _)| *fed >= part).map_or(0.0, |(_, bytes)| bytes / 1e6);
    println!(
        "memory         {:.0} MB after a tenth of the lines, {:.0} at the end",
        after(lines / 10),
        after(lines - lines / 50)
    );
    let last = pipe.said.lines().last().unwrap_or_default();
    println!("{last}");
    check(lines, last)?;
    if let Some(path) = args.next() {
        plot(&path, &pipe.memory)?;
    }
    Ok(())
}

/// What a program does that parses each line and nothing else: the fields of all points.
fn parse_all(mut input: impl BufRead) -> io::Result<usize> {
    let (mut line, mut fields) = (String::new(), 0);
    while input.read_line(&mut line)? > 0 {
        fields += parse_lines(&line).filter_map(Result::ok).map(|point| point.field_set.len()).sum::<usize>();
        line.clear();
    }
    Ok(fields)
}

/// Whether the counters of the summary add up to what was fed.
fn check(lines: u64, summary: &str) -> Result<(), Box<dyn Error>> {
    let of = |name: &str| -> Result<u64, Box<dyn Error>> {
        let entry = summary.trim_start_matches("evenkeel: ").split(", ").find_map(|entry| entry.strip_prefix(name));
        let entry = entry.ok_or_else(|| format!("the summary does not tell the {name}"))?;
        Ok(entry.trim().parse()?)
    };
    let bad = lines / BAD_EVERY;
    let (samples, late, evicted, series) = (of("samples ")?, of("late ")?, of("evicted ")?, of("series ")?);
    let sum = samples + late + of("bad rows ")?;
    if (of("lines ")?, of("bad rows ")?, sum) != (lines, bad, lines) {
        return Err(format!("{lines} lines were fed, {bad} of them bad, and the counters say otherwise").into());
    }
    if of("created ")? != evicted + series || series > MOST {
        return Err("series were created that neither are there nor were evicted".into());
    }
    println!("the counters add up");
    Ok(())
}

/// How a program fared.
struct Run {
    seconds: f64,
    /// Lines fed, and bytes that the program held then.
    memory: Vec<(u64, f64)>,
    said: String,
}

/// Feeds a program and takes what it writes.
fn run(command: &mut Command, lines: u64) -> Result<Run, Box<dyn Error>> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let (mut stdin, mut stdout) = (stdin.ok_or("no input")?, stdout.ok_or("no output")?);
    let mut stderr = child.stderr.take().ok_or("no errors")?;
    let so_far = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&so_far);
    let start = Instant::now();
    let feeder = thread::spawn(move || -> io::Result<()> {
        let mut feed = Feed { line: 0, lines, random: 1 };
        let mut block = Vec::new();
        while feed.fill(&mut block) {
            stdin.write_all(&block)?;
            counter.store(feed.line, Ordering::Relaxed);
        }
        Ok(())
    });
    let drain = thread::spawn(move || {
        let mut buffer = vec![0; 1 << 20];
        while stdout.read(&mut buffer).is_ok_and(|count| count > 0) {}
    });
    let listener = thread::spawn(move || {
        let mut said = String::new();
        let _ = stderr.read_to_string(&mut said);
        said
    });
    let mut memory = Vec::new();
    while child.try_wait()?.is_none() {
        memory.extend(held(&child).map(|bytes| (so_far.load(Ordering::Relaxed), bytes)));
        thread::sleep(Duration::from_millis(100));
    }
    let seconds = start.elapsed().as_secs_f64();
    feeder.join().map_err(|_| "the feeder panicked")??;
    drain.join().map_err(|_| "the drain panicked")?;
    let said = listener.join().map_err(|_| "the listener panicked")?;
    let status = child.wait()?;
    if status.success() { Ok(Run { seconds, memory, said }) } else { Err(format!("{status}: {said}").into()) }
}

/// The memory of a process, as Linux tells it.
fn held(child: &Child) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok().map(|kilobytes: f64| kilobytes * 1024.0)
}

/// The lines.
struct Feed {
    line: u64,
    lines: u64,
    random: u64,
}

impl Feed {
    /// Fills a block with the next lines; false if there are none.
    fn fill(&mut self, block: &mut Vec<u8>) -> bool {
        block.clear();
        let end = (self.line + 1000).min(self.lines);
        while self.line < end {
            let line = self.line;
            self.line += 1;
            self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let random = self.random >> 33;
            // A window over the series moves on.
            let first = line / (self.lines / (SERIES - ALIVE)).max(1);
            let series = first.min(SERIES - ALIVE) + random % ALIVE;
            let mut time = 1_700_000_000_000_000_000 + line * 1_000_000;
            if line % BAD_EVERY == BAD_EVERY - 1 {
                block.extend(b"cpu,host= usage=1 1700000000000000000\n");
                continue;
            }
            if line % LATE_EVERY == 7 {
                time -= 3_600_000_000_000_000;
            }
            let value = 20.0 + (random >> 8 & 0xffff) as f64 / 4096.0;
            // Writing to a vector cannot fail.
            let _ = writeln!(block, "cpu,host=server{series:07},region=eu-west usage={value} {time}");
        }
        !block.is_empty()
    }
}

fn plot(path: &str, memory: &[(u64, f64)]) -> Result<(), Box<dyn Error>> {
    let (most_lines, most) = memory
        .iter()
        .fold((0.0_f64, 0.0_f64), |(lines, most), (fed, bytes)| (lines.max(*fed as f64 / 1e6), most.max(bytes / 1e6)));
    let root = SVGBackend::new(path, (800, 300)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..most_lines, 0.0..1.2 * most)?;
    let mesh = &mut chart.configure_mesh();
    mesh.x_desc("million lines").y_desc("memory, MB").draw()?;
    chart.draw_series(LineSeries::new(memory.iter().map(|(fed, bytes)| (*fed as f64 / 1e6, bytes / 1e6)), &BLUE))?;
    root.present()?;
    Ok(())
}
