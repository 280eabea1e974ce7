//! `evenkeel report`: one page about every series.
//!
//! | file | what it does |
//! |---|---|
//! | `collector.rs` | takes the samples |
//! | `series.rs` | a series as it is at the end, and which series come first |
//! | `judge.rs`, `evidence.rs` | what is measured of a series |
//! | `advice.rs`, `thresholds.rs` | which settings suit it, by which rule and which numbers |
//! | `finding.rs` | what was found, in words |
//! | `events.rs` | its largest outliers and last re-openings |
//! | `page.rs`, `page.css`, `page.js` | all that as HTML |
//!
//! Memory does not grow with the length of the input. Every series is counted, the first 500 are examined, and of these
//! the [`MOST_DESCRIBED`] that most deserve attention are described; a page of thousands of plots would be read by
//! nobody, and opened by few browsers.

mod advice;
mod collector;
mod events;
mod evidence;
mod finding;
mod judge;
#[cfg(test)]
mod noise;
mod page;
mod series;
mod thresholds;

use crate::failure::Failure;
use crate::input::{self, InputArgs, OrderArgs, Plan, Source};
use crate::output::Target;
use crate::settings::{Preset, RuleArgs};
use crate::views::drawing::file_name;
use collector::Collector;
use page::Page;
use series::ranked;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

/// Most series that are described, each with a plot of some 60 KB.
const MOST_DESCRIBED: usize = 50;

/// Write a page about every series: plot, tails, outliers, and the settings that suit it
///
/// One HTML file that needs nothing else and fetches nothing, light or dark as the reader has it. At its top are all
/// series, those first that deserve attention. For each there is a plot, its tail profile beside Markov's bound and the
/// Gaussian value, its outliers and re-openings with their times, and which preset and resolution suit it, with the
/// numbers that this rests on. Of more than 50 series, the 50 that most deserve attention are described, from the first
/// 500 of the input; up to 5000 are listed.
#[derive(Debug, clap::Args)]
#[command(after_help = with_exit_codes!("\
Examples:
  evenkeel report metrics.csv --output report.html
      A page with every series, its plot, its tails and the settings that suit it.
  evenkeel report points.lp --half-life 5m --output report.html
      Line protocol, with a memory of five minutes."))]
pub(crate) struct ReportArgs {
    #[command(flatten)]
    input: InputArgs,

    #[command(flatten)]
    order: OrderArgs,

    #[command(flatten)]
    rule: RuleArgs,

    /// The estimator: what the location of a series is, and which of its samples are outliers. The plain average is
    /// drawn beside it, unless the half-life is in time.
    #[arg(long, value_enum, default_value_t, help_heading = "Estimator")]
    preset: Preset,

    /// The title of the page. By default it is the name of the input.
    #[arg(long, value_name = "TEXT", help_heading = "Output")]
    title: Option<String>,

    /// The file to write, `-` for standard output, which is also the default when it is not a terminal. A file appears
    /// when all input has been processed and replaces an older one only then.
    #[arg(long, short, value_name = "FILE.html", help_heading = "Output")]
    output: Option<PathBuf>,
}

impl ReportArgs {
    /// The settings of the run, in words.
    fn settings(&self) -> String {
        let Self { preset, rule, .. } = self;
        let patience = rule.patience.map_or_else(String::new, |patience| format!(", patience {patience}"));
        format!("preset {preset}, {}, resolution {}{patience}", rule.decay_label(), rule.resolution_label())
    }
}

/// Runs the command.
pub(crate) fn run(args: &ReportArgs) -> Result<(), Failure> {
    args.input.check_distinct(&[("--output", args.output.as_deref())])?;
    if args.output.is_none() && io::stdout().is_terminal() {
        return Err(Failure::usage("a page is to be looked at in a browser: name a file with --output report.html"));
    }
    let mut collector = Collector::new(&args.rule, args.preset)?;
    let source = Source::open(&args.input)?;
    let title = args.title.clone().unwrap_or_else(|| file_name(&source.input.name));
    let mut target = Target::open(args.output.as_deref())?;
    let mut console = source.console(&args.input.read, target.is_terminal());
    let input = source.input.name.clone();

    let result = input::read(source, Plan::new(&args.input, &args.order), &mut collector, &mut console);
    console.finish();
    let found = result?;
    let total = collector.total();
    let Collector { engine, mut drawing, series, .. } = collector;
    let ranked = ranked(&series, args.preset, args.rule.resolution());
    let examined = ranked.iter().filter(|ranked| ranked.advice.is_some());
    let described: Vec<usize> = examined.map(|ranked| ranked.index).take(MOST_DESCRIBED).collect();
    let page = Page {
        title,
        input,
        settings: args.settings(),
        remarks: [found.rates_in_words(), found.counters_in_words()].into_iter().flatten().collect(),
        counts: console.counts,
        preset: args.preset,
        marks: engine.marks(),
        total,
        pictures: drawing.plot().pictures(&described)?,
        ranked,
    };
    let late = page.counts.late;
    target.write(page.html().as_bytes())?;
    target.finish()?;
    found.note(&console);
    console.summary(&[
        ("samples", total.samples),
        ("series", series.len() as u64),
        ("missing", total.missing),
        ("late", late),
        ("outliers", total.outliers),
        ("re-openings", total.reopenings),
    ]);
    Ok(())
}
