//! `evenkeel profile`: how heavy the tails of every series are.

use crate::engine::Engine;
use crate::engine::tally::Tally;
use crate::failure::Failure;
use crate::input::{self, InputArgs, OrderArgs, Plan, Source};
use crate::output::Target;
use crate::samples::{Refusal, Sink, Time};
use crate::settings::{Preset, RuleArgs};
use crate::text::moments::TimeForm;
use crate::text::number;
use crate::text::quote::push_field;
use crate::views::tails::{Line, titles};
use clap::{Args, ValueEnum};
use evenkeel::{TailProfile, Update};
use std::fmt::Write;
use std::path::PathBuf;

/// Measure the tails of every series, beside Markov's bound and the Gaussian value
///
/// For every series: how many samples were scored, which share of them lay at least 1, 2, 3, 4, 8 and 16 scales from the
/// location, and the scores that 50%, 99% and 99.9% of the samples do not exceed. No distribution at all exceeds c
/// times its mean size more often than 1/c (Markov); Gaussian noise does so as often as the row below says. The scale is the
/// mean size after clipping, so that a series above Markov's row has most of its size in its tail. The first five samples of
/// a series have no score, and are left out.
#[derive(Debug, Args)]
#[command(after_help = with_exit_codes!("\
Examples:
  evenkeel profile metrics.csv
      A table for people, a line for each series.
  evenkeel profile long.csv --series host --value cpu --output-format csv
      The same numbers for programs."))]
pub(crate) struct ProfileArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,

    #[command(flatten)]
    pub(crate) order: OrderArgs,

    #[command(flatten)]
    pub(crate) rule: RuleArgs,

    /// The estimator whose scores are profiled.
    #[arg(long, value_enum, default_value_t, help_heading = "Estimator")]
    pub(crate) preset: Preset,

    /// The form of the output: an aligned table for people, or CSV.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = ProfileFormat::Table, help_heading = "Output")]
    pub(crate) output_format: ProfileFormat,

    /// The file to write, `-` for standard output, which is the default.
    #[arg(long, short, value_name = "FILE", help_heading = "Output")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProfileFormat {
    Table,
    Csv,
}

/// Most series that are profiled one by one; more are profiled only together, so that memory stays bounded.
const SEPARATE: usize = 1000;
const TOTAL: &str = "all series";
/// Runs the command.
pub(crate) fn run(args: &ProfileArgs) -> Result<(), Failure> {
    args.input.check_distinct(&[("--output", args.output.as_deref())])?;
    let engine = Engine::new(&args.rule, args.preset)?;
    let source = Source::open(&args.input)?;
    let mut target = Target::open(args.output.as_deref())?;
    let mut console = source.console(&args.input.read, target.is_terminal());
    let (total, tally) = (TailProfile::new(), Tally::default());
    let mut profile = Profile { engine, series: Vec::new(), count: 0, total, tally, updates: Vec::new() };

    let result = input::read(source, Plan::new(&args.input, &args.order), &mut profile, &mut console);
    console.finish();
    let found = result?;
    if profile.is_total_only() {
        let count = profile.count;
        console.note(format!("{count} series are more than {SEPARATE}: only their total is shown"));
    }
    let table = profile.rows();
    let text = match args.output_format {
        ProfileFormat::Table => aligned(&table),
        ProfileFormat::Csv => csv(&table),
    };
    target.write(text.as_bytes())?;
    target.finish()?;
    found.note(&console);
    let (Tally { samples, missing, .. }, late) = (profile.tally, console.counts.late);
    let series = profile.count as u64;
    console.summary(&[("samples", samples), ("series", series), ("missing", missing), ("late", late)]);
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
    tally: Tally,
    /// Room for the updates of a row.
    updates: Vec<Update<f64>>,
}

impl Profile {
    fn is_total_only(&self) -> bool {
        self.count > SEPARATE
    }
}

impl Profile {
    #[inline]
    fn add(&mut self, series: usize, update: &Update<f64>) {
        self.tally.add(update);
        let profile = self.series.get_mut(series).map_or(&mut self.total, |(_, profile)| profile);
        profile.record(&[update.score]);
    }
}

impl Sink for Profile {
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

    fn time_form(&mut self, form: &TimeForm) {
        self.engine.set_time_form(form);
    }

    fn row(&mut self, time: Time<'_>) -> Result<(), Refusal> {
        self.engine.set_time(time)
    }

    fn sample(&mut self, series: usize, value: f64) -> Result<(), Refusal> {
        let update = self.engine.observe(series, value)?;
        self.add(series, &update);
        Ok(())
    }

    fn takes_rows(&self) -> bool {
        self.engine.takes_rows()
    }

    fn samples(&mut self, values: &[f64]) -> Result<(), Failure> {
        let mut updates = std::mem::take(&mut self.updates);
        self.engine.observe_row(values, &mut updates)?;
        updates.iter().enumerate().for_each(|(series, update)| self.add(series, update));
        self.updates = updates;
        Ok(())
    }
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

/// A table for programs; the two laws have no samples and no scores.
fn csv(lines: &[Line]) -> String {
    let mut text = titles("series", |c| format!("exceed_{c}")).join(",");
    text.push('\n');
    for line in lines {
        let mut row = Vec::new();
        push_field(&mut row, line.name.as_bytes());
        row.push(b',');
        if let Some(samples) = line.samples {
            row.extend_from_slice(samples.to_string().as_bytes());
        }
        for &number in line.exceedances.iter().chain(&line.quantiles) {
            row.push(b',');
            row.extend_from_slice(number::csv(number, &mut zmij::Buffer::new()).as_bytes());
        }
        text += &String::from_utf8_lossy(&row);
        text.push('\n');
    }
    text
}
