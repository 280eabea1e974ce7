//! From samples and estimates to a plot: the plain average beside them, and the time of each row.

use crate::engine::Average;
use crate::failure::Failure;
use crate::samples::Time;
use crate::settings::{RuleArgs, TrackPreset};
use crate::text::moments::TimeForm;
use crate::views::plot::{Capacity, Lines, Plot, Sample};
use evenkeel::Update;
use std::path::Path;

/// A plot in the making, with the plain average that it shows for comparison where the memory is in samples and the
/// estimate is another one.
pub(crate) struct Drawing {
    title: String,
    /// The name of the estimate's line.
    line: &'static str,
    decay_label: String,
    capacity: Capacity,
    time_label: String,
    time_form: TimeForm,
    time: Vec<u8>,
    average: Option<Average>,
    /// Made with the first series, because only then the time has its name.
    plot: Option<Plot>,
}

impl Drawing {
    pub(crate) fn new(
        rule: &RuleArgs,
        preset: TrackPreset,
        title: String,
        capacity: Capacity,
    ) -> Result<Self, Failure> {
        let has_average = !rule.is_in_time() && preset != TrackPreset::Ema;
        Ok(Self {
            title,
            line: preset.line(),
            decay_label: rule.decay_label(),
            capacity,
            time_label: "time".to_owned(),
            time_form: TimeForm::default(),
            time: Vec::new(),
            average: has_average.then(|| Average::new(rule)).transpose()?,
            plot: None,
        })
    }

    /// Sets the name of the time.
    pub(crate) fn time_name(&mut self, name: &str) {
        name.clone_into(&mut self.time_label);
    }

    /// Sets the form of all times.
    pub(crate) fn time_form(&mut self, form: &TimeForm) {
        self.time_form = form.clone();
    }

    /// Sets the time of the samples that follow.
    pub(crate) fn row(&mut self, time: Time<'_>) {
        time.text.clone_into(&mut self.time);
    }

    pub(crate) fn add_series(&mut self, name: &str) -> Result<(), Failure> {
        if let Some(average) = &mut self.average {
            average.add_series()?;
        }
        self.plot().series(name);
        Ok(())
    }

    pub(crate) fn sample(&mut self, series: usize, value: f64, seen: &Update<f64>) -> Result<(), Failure> {
        let ema = match &mut self.average {
            Some(average) => average.observe(series, value)?,
            None => f64::NAN,
        };
        let Update { location, outlier, reopened, .. } = *seen;
        let time = std::mem::take(&mut self.time);
        self.plot().add(series, &time, Sample { value, location, ema, outlier, reopened });
        self.time = time;
        Ok(())
    }

    /// The plot so far; empty if there was no series.
    pub(crate) fn plot(&mut self) -> &mut Plot {
        let Self { title, line, decay_label, capacity, time_label, time_form, .. } = self;
        let has_average = self.average.is_some();
        self.plot.get_or_insert_with(|| {
            Plot::new(
                title.clone(),
                time_label.clone(),
                decay_label.clone(),
                Lines { estimate: line, has_average },
                *capacity,
            )
            .with_time_form(time_form.clone())
        })
    }
}

/// The last part of a path: the title of its plot where none is given.
pub(crate) fn file_name(path: &str) -> String {
    Path::new(path).file_name().map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}
