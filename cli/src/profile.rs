//! `evenkeel profile`: how heavy the tails of every series are.

use crate::args::{ProfileArgs, ProfileFormat};
use crate::engine::Engine;
use crate::failure::Failure;
use crate::input::{self, Refusal, Sink, Source, Time};
use crate::output::{Target, check_distinct};
use crate::report::Report;
use evenkeel::TailProfile;
use std::fmt::Write;

/// More series than these are profiled only together, so that memory stays bounded.
const SEPARATE: usize = 1000;
const TOTAL: &str = "all series";
const QUANTILES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];

/// Runs the command.
pub(crate) fn run(args: &ProfileArgs) -> Result<(), Failure> {
    check_distinct(&[("the input", args.input.path.as_deref()), ("--output", args.output.as_deref())])?;
    let engine = Engine::new(&args.rule, args.preset)?;
    let source = Source::open(&args.input)?;
    let mut target = Target::open(args.output.as_deref())?;
    let mut report = Report::new(&args.input, &source, target.is_terminal());
    let mut profile =
        Profile { engine, series: Vec::new(), count: 0, total: TailProfile::new(), samples: 0, missing: 0 };

    let result = input::read(&args.input, source, &mut profile, &mut report);
    report.finish();
    result?;
    if profile.is_total_only() {
        let count = profile.count;
        report.note(format!("{count} series are more than {SEPARATE}: only their total is shown"));
    }
    let table = profile.rows();
    let text = match args.output_format {
        ProfileFormat::Table => aligned(&table),
        ProfileFormat::Csv => csv(&table),
    };
    target.write(text.as_bytes())?;
    target.finish()?;
    report.summary(&[("samples", profile.samples), ("series", profile.count as u64), ("missing", profile.missing)]);
    Ok(())
}

/// Scores on their way into histograms.
struct Profile {
    engine: Engine,
    /// One for each series, unless there are too many.
    series: Vec<(String, TailProfile)>,
    count: usize,
    /// Everything that is in no series' own profile.
    total: TailProfile,
    samples: u64,
    missing: u64,
}

impl Profile {
    fn is_total_only(&self) -> bool {
        self.count > SEPARATE
    }
}

impl Sink for Profile {
    fn time_name(&mut self, _: &str) {}

    fn series(&mut self, name: &str) -> Result<(), Failure> {
        self.engine.add_series()?;
        self.count += 1;
        if self.is_total_only() {
            for (_, profile) in std::mem::take(&mut self.series) {
                self.total.merge(&profile);
            }
        } else {
            self.series.push((name.to_owned(), TailProfile::new()));
        }
        Ok(())
    }

    fn row(&mut self, time: Time<'_>) -> Result<(), Refusal> {
        self.engine.set_time(time)
    }

    fn sample(&mut self, series: usize, value: f64) -> Result<(), Refusal> {
        let seen = self.engine.observe(series, value)?;
        if value.is_nan() {
            self.missing += 1;
        } else {
            self.samples += 1;
        }
        let profile = self.series.get_mut(series).map_or(&mut self.total, |(_, profile)| profile);
        profile.record(&[seen.score]);
        Ok(())
    }

    fn before_wait(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

/// One row of the table: a name, a count of samples where it has one, and shares and scores.
pub(crate) struct Line {
    name: String,
    samples: Option<u64>,
    exceedances: Vec<f64>,
    quantiles: Vec<f64>,
}

impl Profile {
    fn rows(&self) -> Vec<Line> {
        let mut lines: Vec<Line> = self.series.iter().map(|(name, profile)| Line::measured(name, profile)).collect();
        if self.count != 1 {
            let mut total = self.total.clone();
            for (_, profile) in &self.series {
                total.merge(profile);
            }
            lines.push(Line::measured(TOTAL, &total));
        }
        lines.extend(Line::laws());
        lines
    }
}

impl Line {
    pub(crate) fn measured(name: &str, profile: &TailProfile) -> Self {
        // Of nothing, nothing can be said.
        let known = |number: f64| if profile.is_empty() { f64::NAN } else { number };
        Self {
            name: name.to_owned(),
            samples: Some(profile.len()),
            exceedances: TailProfile::THRESHOLDS.map(|c| known(profile.exceedance(c))).into(),
            quantiles: QUANTILES.map(|(_, share)| known(profile.quantile(share))).into(),
        }
    }

    /// What the tails of anything, and those of Gaussian noise, are like.
    pub(crate) fn laws() -> [Self; 2] {
        [Self::of_law("Markov's bound", TailProfile::markov), Self::of_law("Gaussian", TailProfile::gaussian)]
    }

    fn of_law(name: &str, law: impl Fn(f64) -> f64) -> Self {
        Self {
            name: name.to_owned(),
            samples: None,
            exceedances: TailProfile::THRESHOLDS.map(law).into(),
            quantiles: vec![f64::NAN; QUANTILES.len()],
        }
    }

    /// For people: the name, and shares in percent.
    pub(crate) fn cells(&self) -> Vec<String> {
        let samples = self.samples.map_or_else(String::new, |samples| samples.to_string());
        let shares = self.exceedances.iter().map(|&share| percent(share));
        let scores =
            self.quantiles.iter().map(|&score| if score.is_nan() { String::new() } else { format!("{score:.2}") });
        [self.name.clone(), samples].into_iter().chain(shares).chain(scores).collect()
    }
}

/// What the columns are called.
pub(crate) fn titles(name: &str, threshold: impl Fn(f64) -> String) -> Vec<String> {
    let first = [name, "samples"].map(str::to_owned).into_iter();
    let quantiles = QUANTILES.iter().map(|&(title, _)| title.to_owned());
    first.chain(TailProfile::THRESHOLDS.map(threshold)).chain(quantiles).collect()
}

/// A table for people: names to the left, numbers to the right, shares in percent.
fn aligned(lines: &[Line]) -> String {
    let mut cells = vec![titles("series", |c| format!(">={c}"))];
    cells.extend(lines.iter().map(Line::cells));
    let columns = cells.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| cells.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text =
        "Share of samples whose residual is at least so many scales, and scores that a share does not exceed:\n\n"
            .to_owned();
    for row in &cells {
        let mut line = String::new();
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            // Writing to a string cannot fail.
            let _ = if column == 0 { write!(line, "{cell:<width$}") } else { write!(line, "  {cell:>width$}") };
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// A share in percent, with digits enough to see one in a million.
pub(crate) fn percent(share: f64) -> String {
    match share {
        share if share.is_nan() => String::new(),
        0.0 => "0%".to_owned(),
        share if share < 1e-6 => format!("{:.0e}%", 100.0 * share),
        share if share < 1e-3 => format!("{:.4}%", 100.0 * share),
        share => format!("{:.2}%", 100.0 * share),
    }
}

/// The same for programs; the two laws have no samples and no scores.
fn csv(lines: &[Line]) -> String {
    let mut text = titles("series", |c| format!("exceed_{c}")).join(",");
    text.push('\n');
    for line in lines {
        let mut row = Vec::new();
        crate::output::push_field(&mut row, line.name.as_bytes());
        row.push(b',');
        if let Some(samples) = line.samples {
            row.extend_from_slice(samples.to_string().as_bytes());
        }
        for &number in line.exceedances.iter().chain(&line.quantiles) {
            row.push(b',');
            row.extend_from_slice(crate::number::csv(number, &mut zmij::Buffer::new()).as_bytes());
        }
        text += &String::from_utf8_lossy(&row);
        text.push('\n');
    }
    text
}
