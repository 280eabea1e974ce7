//! `evenkeel track`: every sample in, one row out.

use crate::args::{Preset, TrackArgs};
use crate::engine::{Average, Engine, Seen};
use crate::failure::Failure;
use crate::input::{self, Sink, Source, Time};
use crate::output::{Target, Tidy, check_distinct, check_writable};
use crate::plot::{self, Plot};
use crate::report::Report;
use std::path::Path;

/// Runs the command.
pub(crate) fn run(args: &TrackArgs) -> Result<(), Failure> {
    let (input, output, plot) = (args.input.path.as_deref(), args.output.as_deref(), args.plot.as_deref());
    check_distinct(&[("the input", input), ("--output", output), ("--plot", plot)])?;
    if plot == Some(Path::new("-")) {
        return Err(Failure::usage("--plot needs a file: standard output has the rows"));
    }
    let engine = Engine::new(&args.rule, args.preset)?;
    let source = Source::open(&args.input)?;
    let format = args.output_format.unwrap_or(source.format);
    let drawing = args.plot.as_deref().map(|path| Drawing::new(args, path, &source.name)).transpose()?;
    let target = Target::open(args.output.as_deref())?;
    let mut report = Report::new(&args.input, &source, target.is_terminal());
    let mut track = Track { engine, output: Tidy::new(format, target)?, drawing, counts: Counts::default() };

    if let Err(failure) = input::read(&args.input, source, &mut track, &mut report) {
        report.finish();
        track.output.abandon();
        return Err(failure);
    }
    let Track { output, drawing, counts, .. } = track;
    output.finish()?;
    if let Some(drawing) = drawing {
        drawing.finish()?;
    }
    let Counts { series, samples, missing, outliers, reopenings } = counts;
    let mut summary = vec![("samples", samples), ("series", series), ("missing", missing)];
    if args.preset != Preset::Ema {
        summary.extend([("outliers", outliers), ("re-openings", reopenings)]);
    }
    report.summary(&summary);
    Ok(())
}

/// Samples on their way through the engine.
struct Track<'a> {
    engine: Engine,
    output: Tidy,
    drawing: Option<Drawing<'a>>,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    series: u64,
    samples: u64,
    missing: u64,
    outliers: u64,
    reopenings: u64,
}

impl Sink for Track<'_> {
    fn time_name(&mut self, name: &str) {
        if let Some(drawing) = &mut self.drawing {
            name.clone_into(&mut drawing.time_label);
        }
    }

    fn series(&mut self, name: &str) -> Result<(), Failure> {
        self.counts.series += 1;
        self.engine.add_series()?;
        self.output.add_series(name);
        match &mut self.drawing {
            Some(drawing) => drawing.add_series(name),
            None => Ok(()),
        }
    }

    #[inline]
    fn row(&mut self, time: Time<'_>) -> Result<(), Failure> {
        if let Some(drawing) = &mut self.drawing {
            time.text.clone_into(&mut drawing.time);
        }
        self.output.set_time(time)
    }

    #[inline]
    fn sample(&mut self, series: usize, value: f64) -> Result<(), Failure> {
        let seen = self.engine.observe(series, value)?;
        let counts = &mut self.counts;
        if value.is_nan() {
            counts.missing += 1;
        } else {
            counts.samples += 1;
        }
        counts.outliers += u64::from(seen.outlier);
        counts.reopenings += u64::from(seen.reopened);
        if let Some(drawing) = &mut self.drawing {
            drawing.sample(series, value, &seen)?;
        }
        self.output.sample(series, value, seen);
        Ok(())
    }

    fn before_wait(&mut self) -> Result<(), Failure> {
        self.output.flush()
    }
}

/// The last part of a path, which is what a plot of it is called.
fn file_name(path: &str) -> String {
    Path::new(path).file_name().map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}

/// The plot on its way, with the plain average that it shows for comparison.
struct Drawing<'a> {
    path: &'a Path,
    title: String,
    decay_label: String,
    time_label: String,
    time: Vec<u8>,
    average: Average,
    /// Made with the first series: what the time is called is only known then.
    plot: Option<Plot>,
}

impl<'a> Drawing<'a> {
    fn new(args: &TrackArgs, path: &'a Path, input: &str) -> Result<Self, Failure> {
        check_writable(path)?;
        Ok(Self {
            path,
            title: args.title.clone().unwrap_or_else(|| file_name(input)),
            decay_label: args.rule.decay_label(),
            time_label: "time".to_owned(),
            time: Vec::new(),
            average: Average::new(&args.rule)?,
            plot: None,
        })
    }

    fn plot(&mut self) -> &mut Plot {
        let (title, time_label, decay_label) = (&self.title, &self.time_label, &self.decay_label);
        self.plot.get_or_insert_with(|| Plot::new(title.clone(), time_label.clone(), decay_label.clone()))
    }

    fn add_series(&mut self, name: &str) -> Result<(), Failure> {
        self.average.add_series()?;
        self.plot().series(name);
        Ok(())
    }

    fn sample(&mut self, series: usize, value: f64, seen: &Seen) -> Result<(), Failure> {
        let ema = self.average.observe(series, value)?;
        let Seen { location, outlier, reopened, .. } = *seen;
        let time = std::mem::take(&mut self.time);
        self.plot().add(series, &time, plot::Sample { value, location, ema, outlier, reopened });
        self.time = time;
        Ok(())
    }

    fn finish(mut self) -> Result<(), Failure> {
        let path = self.path;
        Ok(self.plot().write(path)?)
    }
}
