//! `evenkeel track`: every sample in, one row out.

use crate::engine::Engine;
use crate::engine::tally::Tally;
use crate::failure::Failure;
use crate::formats::Format;
use crate::input::{self, InputArgs, OrderArgs, Plan, Source};
use crate::output::{OutputFormat, Target, Tidy, check_writable};
use crate::samples::{Refusal, Sink, Time, TimeType};
use crate::settings::{RuleArgs, TrackPreset};
use crate::text::moments::TimeForm;
use crate::views::drawing::{Drawing, file_name};
use crate::views::plot::Capacity;
use clap::Args;
use evenkeel::Update;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Follow every series: location, scale, score and outliers, row by row
///
/// The output has the columns time, series, value, location, scale, score and outlier, and one row per sample, missing
/// samples included. Location and scale are those after the sample. The score says how far the sample was from where the
/// series had been, in units of the scale before it; the first five samples of a series have none. An outlier is, with
/// `clean`, a sample that was replaced, else one more than 4 scales away. Numbers read back to the same bits.
#[derive(Debug, Args)]
#[command(after_help = with_exit_codes!("\
Examples:
  evenkeel track metrics.csv > tracked.csv
      Every numeric column is a series, the first column that is not numeric is the time.
  evenkeel track metrics.csv --value cpu --value load --plot metrics.svg
      Two columns only, with a plot of both.
  evenkeel track long.csv --series host --value cpu --half-life 100
      One row per sample: `host` names the series, `cpu` holds its values.
  evenkeel track points.lp --half-life 5m --output tracked.parquet
      Line protocol, with a memory of five minutes, to Parquet.
  tail -n +1 -f events.ndjson | evenkeel track - --output-format csv
      A live pipe: every row comes out as soon as its sample is in."))]
pub(crate) struct TrackArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,

    #[command(flatten)]
    pub(crate) order: OrderArgs,

    #[command(flatten)]
    pub(crate) rule: RuleArgs,

    /// The estimator: what the location of a series is, and which of its samples are outliers.
    #[arg(long, value_enum, default_value_t, help_heading = "Estimator")]
    pub(crate) preset: TrackPreset,

    /// The format of the output. By default it is what the name of --output ends in, else CSV, and NDJSON for NDJSON. An
    /// `arrow` is a file, also called Feather, `arrows` a stream, which can be read while it is written.
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = "Output")]
    pub(crate) output_format: Option<OutputFormat>,

    /// The file to write, `-` for standard output, which is the default. A file appears when all input has been
    /// processed and replaces an older one only then.
    #[arg(long, short, value_name = "FILE", help_heading = "Output")]
    pub(crate) output: Option<PathBuf>,

    /// Draw the raw series, its plain average and the location into this SVG file, outliers marked. With a half-life in time
    /// there is no plain average in it.
    #[arg(long, value_name = "FILE.svg", value_parser = svg, help_heading = "Output")]
    pub(crate) plot: Option<PathBuf>,

    /// The title of the plot. By default it is the name of the input.
    #[arg(long, value_name = "TEXT", requires = "plot", help_heading = "Output")]
    pub(crate) title: Option<String>,
}

/// A file whose name does not say that it is another kind of picture.
fn svg(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let others = ["png", "jpg", "jpeg", "pdf", "webp", "gif"];
    match path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase) {
        Some(ending) if others.contains(&ending.as_str()) => Err(format!("it is drawn as SVG, not as {ending}")),
        _ => Ok(path),
    }
}

/// Runs the command.
pub(crate) fn run(args: &TrackArgs) -> Result<(), Failure> {
    let (output, plot) = (args.output.as_deref(), args.plot.as_deref());
    args.input.check_distinct(&[("--output", output), ("--plot", plot)])?;
    if plot == Some(Path::new("-")) {
        return Err(Failure::usage("--plot needs a file: standard output has the rows"));
    }
    let engine = match args.preset {
        TrackPreset::Scored(preset) => Engine::new(&args.rule, preset)?,
        TrackPreset::Ema => Engine::plain(&args.rule)?,
    };
    let source = Source::open(&args.input)?;
    let format = args.output_format.unwrap_or_else(|| output_format(output, source.format));
    let drawing = plot.map(|path| drawing(args, path, &source.input.name)).transpose()?;
    let target = Target::open(args.output.as_deref())?;
    let mut console = source.console(&args.input.read, target.is_terminal());
    let mut track = Track {
        engine,
        output: Tidy::new(format, target)?,
        drawing,
        series: 0,
        tally: Tally::default(),
        updates: Vec::new(),
    };

    let found = match input::read(source, Plan::new(&args.input, &args.order), &mut track, &mut console) {
        Ok(found) => found,
        Err(failure) => {
            console.finish();
            track.output.abandon();
            return Err(failure);
        }
    };
    let Track { output, drawing, series, tally, .. } = track;
    output.finish()?;
    if let (Some(mut drawing), Some(path)) = (drawing, plot) {
        drawing.plot().write(path)?;
    }
    console.finish();
    found.note(&console);
    let Tally { samples, missing, outliers, reopenings } = tally;
    let late = console.counts.late;
    let mut summary = vec![("samples", samples), ("series", series), ("missing", missing), ("late", late)];
    if args.preset != TrackPreset::Ema {
        summary.extend([("outliers", outliers), ("re-openings", reopenings)]);
    }
    console.summary(&summary);
    Ok(())
}

/// The format of an output that nobody has named: what the name of the file says, or that of the input.
fn output_format(output: Option<&Path>, input: Format) -> OutputFormat {
    let named = output.map_or(OutputFormat::Csv, OutputFormat::of);
    // A terminal or a pipe cannot use Parquet or Arrow; from CSV to NDJSON or back nothing but a wish leads.
    match (named, input) {
        (OutputFormat::Csv | OutputFormat::Ndjson, Format::Csv) => OutputFormat::Csv,
        (OutputFormat::Csv | OutputFormat::Ndjson, Format::Ndjson) => OutputFormat::Ndjson,
        _ => named,
    }
}

/// The plot for `--plot`, which will be written at the end.
fn drawing(args: &TrackArgs, path: &Path, input: &str) -> Result<Drawing, Failure> {
    check_writable(path)?;
    Drawing::new(&args.rule, args.preset, args.title.clone().unwrap_or_else(|| file_name(input)), Capacity::PANELS)
}

/// Samples on their way through the engine.
struct Track {
    engine: Engine,
    output: Tidy,
    drawing: Option<Drawing>,
    series: u64,
    tally: Tally,
    /// Room for the updates of a row.
    updates: Vec<Update<f64>>,
}

impl Sink for Track {
    fn time_name(&mut self, name: &str) {
        if let Some(drawing) = &mut self.drawing {
            drawing.time_name(name);
        }
    }

    fn time_form(&mut self, form: &TimeForm) {
        self.engine.set_time_form(form);
        if let Some(drawing) = &mut self.drawing {
            drawing.time_form(form);
        }
    }

    fn time_type(&mut self, time: TimeType) {
        self.output.set_time_type(time);
    }

    fn series(&mut self, name: &str) -> Result<(), Failure> {
        self.series += 1;
        self.engine.add_series()?;
        self.output.add_series(name);
        match &mut self.drawing {
            Some(drawing) => drawing.add_series(name),
            None => Ok(()),
        }
    }

    #[inline]
    fn row(&mut self, time: Time<'_>) -> Result<(), Refusal> {
        self.engine.set_time(time)?;
        if let Some(drawing) = &mut self.drawing {
            drawing.row(time);
        }
        self.output.set_time(time);
        Ok(())
    }

    #[inline]
    fn sample(&mut self, series: usize, value: f64) -> Result<(), Refusal> {
        let seen = self.engine.observe(series, value)?;
        self.tally.add(&seen);
        if let Some(drawing) = &mut self.drawing {
            drawing.sample(series, value, &seen)?;
        }
        Ok(self.output.sample(series, value, seen)?)
    }

    fn takes_rows(&self) -> bool {
        self.engine.takes_rows()
    }

    fn samples(&mut self, values: &[f64]) -> Result<(), Failure> {
        self.engine.observe_row(values, &mut self.updates)?;
        for (series, (&value, update)) in values.iter().zip(&self.updates).enumerate() {
            self.tally.add(update);
            if let Some(drawing) = &mut self.drawing {
                drawing.sample(series, value, update)?;
            }
            self.output.sample(series, value, *update)?;
        }
        Ok(())
    }

    fn before_read(&mut self, may_wait: bool) -> Result<(), Failure> {
        self.output.flush(may_wait)
    }
}
