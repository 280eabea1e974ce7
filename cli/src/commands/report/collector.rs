//! Samples on their way to the page: everything that it shows is collected here, in bounded memory.

use super::events::Event;
use super::evidence::Evidence;
use super::judge::Judge;
use super::series::Series;
use crate::engine::Engine;
use crate::engine::tally::Tally;
use crate::failure::Failure;
use crate::samples::{Refusal, Sink, Time};
use crate::settings::{Preset, RuleArgs, TrackPreset};
use crate::text::moments::TimeForm;
use crate::views::drawing::Drawing;
use crate::views::plot::Capacity;

/// Most series that are examined, the first of the input: each takes up to 400 KB.
const MOST_EXAMINED: usize = 500;
/// Most buckets of all plots together: up to two hundred series are drawn as finely as they are by `--plot`.
const MOST_BUCKETS: usize = 400_000;

/// Collects what there is to report.
pub(super) struct Collector {
    pub(super) engine: Engine,
    /// The estimators that the advice rests on, whatever the engine.
    judge: Judge,
    pub(super) drawing: Drawing,
    pub(super) series: Vec<Series>,
    /// The time of the present row.
    time: Vec<u8>,
    /// The number of the present row, from 1.
    row: u64,
}

impl Collector {
    pub(super) fn new(rule: &RuleArgs, preset: Preset) -> Result<Self, Failure> {
        let capacity = Capacity { series: MOST_EXAMINED, buckets: MOST_BUCKETS };
        Ok(Self {
            engine: Engine::new(rule, preset)?,
            judge: Judge::new(rule)?,
            drawing: Drawing::new(rule, TrackPreset::Scored(preset), String::new(), capacity)?,
            series: Vec::new(),
            time: Vec::new(),
            row: 0,
        })
    }

    /// The counts of all series together.
    pub(super) fn total(&self) -> Tally {
        self.series.iter().fold(Tally::default(), |mut total, series| {
            total.merge(&series.tally);
            total
        })
    }
}

impl Sink for Collector {
    fn time_name(&mut self, name: &str) {
        self.drawing.time_name(name);
    }

    fn time_form(&mut self, form: &TimeForm) {
        self.engine.set_time_form(form);
        self.judge.set_time_form(form);
        self.drawing.time_form(form);
    }

    fn series(&mut self, name: &str) -> Result<(), Failure> {
        self.engine.add_series()?;
        self.drawing.add_series(name)?;
        let is_examined = self.series.len() < MOST_EXAMINED;
        if is_examined {
            self.judge.add_series()?;
        }
        let evidence = is_examined.then(|| Evidence::new(self.judge.outlier_at()));
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
        let seen = match self.engine.observe(index, value) {
            Err(Refusal::Late(why)) => {
                // The judges count late samples in a row, too.
                if self.series.get(index).is_some_and(|series| series.detail.is_some()) {
                    let _ = self.judge.observe(index, value);
                }
                return Err(Refusal::Late(why));
            }
            seen => seen?,
        };
        self.drawing.sample(index, value, &seen)?;
        let Some(series) = self.series.get_mut(index) else { return Ok(()) };
        series.tally.add(&seen);
        (series.location, series.scale) = (seen.location, seen.scale);
        let Some(detail) = series.detail.as_deref_mut().filter(|_| !value.is_nan()) else { return Ok(()) };
        detail.evidence.add(&mut self.judge, index, value)?;
        detail.tail.record(&[seen.score]);
        let event = || Event::new(self.row, &self.time, value, seen.score, seen.location);
        if seen.outlier && detail.outliers.wants(seen.score) {
            detail.outliers.add(event());
        }
        if seen.reopened {
            detail.reopenings.add(event());
        }
        Ok(())
    }
}
