//! The estimators that a series is judged by before settings are recommended: all presets, with the memory and the
//! patience of the run, and a resolution that is learnt.
//!
//! So what is recommended does not depend on the resolution of the run, and a run that follows the recommendation gets
//! the same one.

use crate::engine::Engine;
use crate::failure::Failure;
use crate::samples::{Refusal, Time};
use crate::settings::{Preset, RuleArgs};
use crate::text::moments::TimeForm;
use evenkeel::Update;

/// The number of judges: one for each preset, in their order.
pub(super) const JUDGES: usize = Preset::ALL.len();

/// The estimators of all presets, side by side.
pub(super) struct Judge([Engine; JUDGES]);

impl Judge {
    pub(super) fn new(args: &RuleArgs) -> Result<Self, Failure> {
        let args = args.learning();
        let [clean, robust, mean] = Preset::ALL.map(|preset| Engine::new(&args, preset));
        Ok(Self([clean?, robust?, mean?]))
    }

    pub(super) fn add_series(&mut self) -> Result<(), Failure> {
        self.0.iter_mut().try_for_each(Engine::add_series)
    }

    /// Sets the form of all times.
    pub(super) fn set_time_form(&mut self, form: &TimeForm) {
        self.0.iter_mut().for_each(|engine| engine.set_time_form(form));
    }

    /// Sets the time of the samples that follow.
    pub(super) fn set_time(&mut self, time: Time<'_>) -> Result<(), Refusal> {
        self.0.iter_mut().try_for_each(|engine| engine.set_time(time))
    }

    /// Adds the next sample of a series, and returns what each judge makes of it.
    pub(super) fn observe(&mut self, series: usize, sample: f64) -> Result<[Update<f64>; JUDGES], Refusal> {
        // All of them see it, whatever the first says.
        let [clean, robust, mean] = self.0.each_mut().map(|engine| engine.observe(series, sample));
        Ok([clean?, robust?, mean?])
    }

    /// The step in which a series is recorded, as far as it has been learnt; 0 for one that is recorded more finely.
    pub(super) fn step(&self, series: usize) -> f64 {
        let [_, robust, _] = &self.0;
        robust.step(series)
    }

    /// The number of scales beyond which a sample is an outlier of the robust preset.
    pub(super) fn outlier_at(&self) -> f64 {
        let [_, robust, _] = &self.0;
        robust.marks().map_or(f64::NAN, |marks| marks.outlier_at)
    }
}
