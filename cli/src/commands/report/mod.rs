//! `evenkeel report`: one page with everything that is to be said about every series.
//!
//! | file | what it does |
//! |---|---|
//! | `judge.rs`, `evidence.rs` | what is measured of a series |
//! | `advice.rs` | which settings suit it, by which rule |
//! | `events.rs` | its largest outliers and last re-openings |
//! | `page.rs`, `page.css`, `page.js` | all that as HTML |
//!
//! Memory does not grow with the length of the input. Every series has a row of counts. The first [`FOLLOWED`] are followed
//! closely, and of these the [`DESCRIBED`] that most deserve attention are described; a page of thousands of plots would be
//! read by nobody, and opened by few browsers.

mod advice;
mod events;
mod evidence;
mod judge;
mod page;

use crate::engine::Engine;
use crate::engine::tally::Tally;
use crate::failure::Failure;
use crate::formats::InputArgs;
use crate::formats::{self, Source};
use crate::output::{Target, check_distinct};
use crate::samples::{Refusal, Sink, Time};
use crate::settings::{Preset, RuleArgs, TrackPreset};
use crate::text::quote::shortened;
use crate::views::drawing::{Drawing, file_name};
use crate::views::plot::Room;
use advice::Advice;
use evenkeel::TailProfile;
use events::{Event, Largest, Last};
use evidence::Evidence;
use judge::Judge;
use page::Page;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

/// So many series, the first of the input, are followed closely: each takes up to 400 KB.
const FOLLOWED: usize = 500;
/// So many of these are described, each with a plot of some 60 KB.
const DESCRIBED: usize = 50;
/// So many series have a row in the summary.
const LISTED: usize = 5000;
/// Letters of a name that are shown.
const MOST_LETTERS: usize = 200;

/// Write a page about every series: plot, tails, outliers, and the settings that suit it
///
/// One HTML file that needs nothing else and fetches nothing, light or dark as the reader has it. At its top are all
/// series, those first that deserve attention. For each there is a plot, its tail profile beside Markov's bound and the
/// Gaussian value, its outliers and re-openings with their times, and which preset and resolution suit it, with the numbers
/// that this rests on. Of more than 50 series, the 50 that most deserve attention are described, from the first 500 of the
/// input; up to 5000 are listed.
#[derive(Debug, clap::Args)]
pub(crate) struct ReportArgs {
    #[command(flatten)]
    input: InputArgs,

    #[command(flatten)]
    rule: RuleArgs,

    /// The estimator: what the location of a series is, and which of its samples are outliers. The plain average is drawn
    /// beside it, unless the half-life is in time.
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
    check_distinct(&[("the input", args.input.path.as_deref()), ("--output", args.output.as_deref())])?;
    if args.output.is_none() && io::stdout().is_terminal() {
        return Err(Failure::usage("a page is to be looked at in a browser: name a file with --output report.html"));
    }
    let mut gather = Gather::new(args)?;
    let source = Source::open(&args.input)?;
    let title = args.title.clone().unwrap_or_else(|| file_name(&source.input.name));
    let mut target = Target::open(args.output.as_deref())?;
    let mut console = source.console(&args.input.read, target.is_terminal());
    let input = source.input.name.clone();

    let result = formats::read(source, &mut gather, &mut console);
    console.finish();
    result?;
    let Gather { engine, mut drawing, series, .. } = gather;
    let total = series.iter().fold(Tally::default(), |mut total, series| {
        total.merge(&series.tally);
        total
    });
    let ranked = ranked(&series, args);
    let followed = ranked.iter().filter(|ranked| ranked.advice.is_some());
    let described: Vec<usize> = followed.map(|ranked| ranked.index).take(DESCRIBED).collect();
    let page = Page {
        title,
        input,
        settings: args.settings(),
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

/// Everything that is kept of the input.
struct Gather {
    engine: Engine,
    /// What the advice rests on, whatever the engine.
    judge: Judge,
    drawing: Drawing,
    series: Vec<Series>,
    time: Vec<u8>,
    row: u64,
}

/// One series.
struct Series {
    name: String,
    tally: Tally,
    location: f64,
    scale: f64,
    /// Nothing for a series that is not followed.
    closely: Option<Box<Closely>>,
}

/// What is kept of a series that is followed.
struct Closely {
    evidence: Evidence,
    /// The scores of the run.
    tail: TailProfile,
    outliers: Largest,
    reopenings: Last,
}

impl Gather {
    fn new(args: &ReportArgs) -> Result<Self, Failure> {
        Ok(Self {
            engine: Engine::new(&args.rule, args.preset)?,
            judge: Judge::new(&args.rule)?,
            // Up to two hundred series are drawn as finely as they are by `--plot`.
            drawing: Drawing::new(
                &args.rule,
                TrackPreset::Scored(args.preset),
                String::new(),
                Room { series: FOLLOWED, buckets: 400_000 },
            )?,
            series: Vec::new(),
            time: Vec::new(),
            row: 0,
        })
    }
}

/// All series, those first that most deserve attention: by standing, and then by their share of outliers.
fn ranked<'a>(series: &'a [Series], args: &ReportArgs) -> Vec<Ranked<'a>> {
    let advise = |closely: &Closely| Advice::of(&closely.evidence, args.preset, args.rule.resolution());
    let mut ranked: Vec<Ranked> = (0..)
        .zip(series)
        .map(|(index, series)| Ranked { index, series, advice: series.closely.as_deref().map(advise) })
        .collect();
    // What nobody looked at comes after all else. The sort keeps equals in the order of the input.
    let place = |ranked: &Ranked| ranked.advice.as_ref().map_or(u8::MAX, |advice| advice.standing as u8);
    ranked.sort_by(|one, other| {
        let share = other.series.outlier_share().total_cmp(&one.series.outlier_share());
        place(one).cmp(&place(other)).then(share)
    });
    ranked
}

/// A series in its place.
struct Ranked<'a> {
    /// Its number in the input, from 0.
    index: usize,
    series: &'a Series,
    /// Nothing for a series that is not followed.
    advice: Option<Advice>,
}

impl Series {
    /// Of a series that is followed closely, what has been measured is given.
    fn new(name: &str, evidence: Option<Evidence>) -> Self {
        let closely = |evidence| Closely {
            evidence,
            tail: TailProfile::new(),
            outliers: Largest::default(),
            reopenings: Last::default(),
        };
        Self {
            name: shortened(name, MOST_LETTERS),
            tally: Tally::default(),
            location: f64::NAN,
            scale: f64::NAN,
            closely: evidence.map(closely).map(Box::new),
        }
    }

    /// The share of its samples that are outliers; none of none.
    fn outlier_share(&self) -> f64 {
        self.tally.outliers as f64 / self.tally.samples.max(1) as f64
    }
}

impl Sink for Gather {
    fn time_name(&mut self, name: &str) {
        self.drawing.time_name(name);
    }

    fn series(&mut self, name: &str) -> Result<(), Failure> {
        self.engine.add_series()?;
        self.drawing.add_series(name)?;
        let is_followed = self.series.len() < FOLLOWED;
        if is_followed {
            self.judge.add_series()?;
        }
        let evidence = is_followed.then(|| Evidence::new(self.judge.outlier_at()));
        self.series.push(Series::new(name, evidence));
        Ok(())
    }

    fn row(&mut self, time: Time<'_>) -> Result<(), Refusal> {
        self.engine.set_time(time)?;
        self.judge.set_time(time)?;
        self.row += 1;
        time.text.clone_into(&mut self.time);
        self.drawing.row(time);
        Ok(())
    }

    fn sample(&mut self, index: usize, value: f64) -> Result<(), Refusal> {
        let seen = self.engine.observe(index, value)?;
        self.drawing.sample(index, value, &seen)?;
        let Some(series) = self.series.get_mut(index) else { return Ok(()) };
        series.tally.add(&seen);
        (series.location, series.scale) = (seen.location, seen.scale);
        let Some(closely) = series.closely.as_deref_mut().filter(|_| !value.is_nan()) else { return Ok(()) };
        closely.evidence.add(&mut self.judge, index, value)?;
        closely.tail.record(&[seen.score]);
        let event = || Event::new(self.row, &self.time, value, seen.score, seen.location);
        if seen.outlier && closely.outliers.wants(seen.score) {
            closely.outliers.add(event());
        }
        if seen.reopened {
            closely.reopenings.add(event());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    /// Uniform numbers between 0 and 1, always the same ones.
    pub(super) fn uniform(seed: u64) -> impl FnMut() -> f64 {
        let mut state = seed;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
        }
    }

    /// About Gaussian noise, mean 0, variance 1.
    pub(super) fn gaussian(seed: u64) -> impl FnMut() -> f64 {
        let mut uniform = uniform(seed);
        move || (0..12).map(|_| uniform()).sum::<f64>() - 6.0
    }
}
