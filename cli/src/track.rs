//! `evenkeel track`: every sample in, one row out.

use crate::args::{Format, TrackArgs, TrackPreset};
use crate::drawing::{Drawing, file_name};
use crate::engine::Engine;
use crate::failure::Failure;
use crate::input::{self, Refusal, Sink, Source, Time, TimeType};
use crate::output::{Target, Tidy, check_distinct, check_writable};
use crate::plot::Room;
use crate::report::Report;
use crate::tally::Tally;
use std::path::Path;

/// Runs the command.
pub(crate) fn run(args: &TrackArgs) -> Result<(), Failure> {
    let (input, output, plot) = (args.input.path.as_deref(), args.output.as_deref(), args.plot.as_deref());
    check_distinct(&[("the input", input), ("--output", output), ("--plot", plot)])?;
    if plot == Some(Path::new("-")) {
        return Err(Failure::usage("--plot needs a file: standard output has the rows"));
    }
    let engine = match args.preset {
        TrackPreset::Scored(preset) => Engine::new(&args.rule, preset)?,
        TrackPreset::Ema => Engine::plain(&args.rule)?,
    };
    let source = Source::open(&args.input)?;
    let format = Format::of_output(args.output_format, output, source.format());
    let drawing = plot.map(|path| drawing(args, path, &source.origin.name)).transpose()?;
    let target = Target::open(args.output.as_deref())?;
    let mut report = Report::new(&args.input, &source, target.is_terminal());
    let mut track = Track { engine, output: Tidy::new(format, target)?, drawing, series: 0, tally: Tally::default() };

    if let Err(failure) = input::read(&args.input, source, &mut track, &mut report) {
        report.finish();
        track.output.abandon();
        return Err(failure);
    }
    let Track { output, drawing, series, tally, .. } = track;
    output.finish()?;
    if let (Some(mut drawing), Some(path)) = (drawing, plot) {
        drawing.plot().write(path)?;
    }
    let Tally { samples, missing, outliers, reopenings } = tally;
    let mut summary = vec![("samples", samples), ("series", series), ("missing", missing)];
    if args.preset != TrackPreset::Ema {
        summary.extend([("outliers", outliers), ("re-openings", reopenings)]);
    }
    report.summary(&summary);
    Ok(())
}

/// The plot for `--plot`, which will be written at the end.
fn drawing(args: &TrackArgs, path: &Path, input: &str) -> Result<Drawing, Failure> {
    check_writable(path)?;
    Drawing::new(&args.rule, args.preset, args.title.clone().unwrap_or_else(|| file_name(input)), Room::PANELS)
}

/// Samples on their way through the engine.
struct Track {
    engine: Engine,
    output: Tidy,
    drawing: Option<Drawing>,
    series: u64,
    tally: Tally,
}

impl Sink for Track {
    fn time_name(&mut self, name: &str) {
        if let Some(drawing) = &mut self.drawing {
            drawing.time_name(name);
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
        Ok(self.output.set_time(time)?)
    }

    #[inline]
    fn sample(&mut self, series: usize, value: f64) -> Result<(), Refusal> {
        let seen = self.engine.observe(series, value)?;
        self.tally.add(value, &seen);
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
