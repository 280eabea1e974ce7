//! The estimator that a series is judged by before settings are recommended: the robust preset with the memory and the
//! patience of the run, and for each series with the resolution that its values show.
//!
//! So what is recommended does not depend on the preset and the resolution of the run, and a run that follows the
//! recommendation gets the same one.

use super::evidence::MOST_DECIMALS;
use crate::args::RuleArgs;
use crate::engine::{self, Channels, Seen};
use crate::failure::Failure;
use crate::input::{Refusal, Time};
use evenkeel::{RobustMean, Sweep};

pub(super) struct Judge {
    channels: Channels,
    /// For values with no decimals, with one, and so on.
    steps: Vec<Sweep<RobustMean, f64>>,
    /// For values that are written in no steps.
    continuous: Sweep<RobustMean, f64>,
}

impl Judge {
    pub(super) fn new(args: &RuleArgs) -> Result<Self, Failure> {
        let rule = engine::rule(args)?;
        let sweep = |decimals: u32| -> Result<_, Failure> { Ok(Sweep::new(rule.resolution(step(decimals))?)?) };
        let steps = (0..=MOST_DECIMALS).map(sweep).collect::<Result<_, _>>()?;
        Ok(Self { channels: Channels::new(args)?, steps, continuous: Sweep::new(rule)? })
    }

    pub(super) fn add_series(&mut self) -> Result<(), Failure> {
        self.channels.add()
    }

    /// When the samples that follow were taken.
    pub(super) fn set_time(&mut self, time: Time<'_>) -> Result<(), Refusal> {
        self.channels.set_time(time)
    }

    /// The next sample of a series whose values so far, this one included, have so many decimals. The resolution may change
    /// in the middle of a series' life: it is no part of the state.
    pub(super) fn observe(&mut self, series: usize, sample: f64, decimals: Option<u32>) -> Result<Seen, Refusal> {
        let place = decimals.and_then(|decimals| usize::try_from(decimals).ok()).unwrap_or(self.steps.len());
        let sweep = self.steps.get(place).unwrap_or(&self.continuous);
        let elapsed = self.channels.elapsed(series)?;
        self.channels.observe(series, sample, elapsed, sweep, place)
    }
}

/// The step of values with so many decimals.
pub(super) fn step(decimals: u32) -> f64 {
    // Through text, because a tenth is no sum of halves: this is the float that a reader of "0.001" gets.
    format!("1e-{decimals}").parse().unwrap_or(1.0)
}
