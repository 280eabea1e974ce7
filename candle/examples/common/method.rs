//! The methods that are compared: an optimiser, and what stands between it and the errors.

use anyhow::{Context, Result};
use candle_core::Var;
use candle_nn::Optimizer as _;
use evenkeel::{Decay, LossGuard};

use super::clipping::{Bound, Clip, Guard, Off, ZClip, whole};
use super::optimisers::{Optimiser, Step};
use super::spam::{ParamsSpam, Spam};
use super::task::Sheet;

/// A way to train.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Method {
    optimiser: Rule,
    clip: Norm,
    /// Whether a `LossGuard` weighs the examples.
    weighs: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    Of(Optimiser),
    Spam,
}

/// What holds the gradient back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Norm {
    Free,
    /// A bound, which is tuned.
    Bound,
    ZClip,
    GradientGuard,
}

/// Bounds of the norm.
const BOUNDS: [f64; 2] = [0.25, 1.0];
/// Steps from one reset of SPAM's to the next: the authors', and as short as these trainings are.
const RESETS: [f64; 2] = [100.0, 500.0];

/// What is tuned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Setting {
    /// The highest learning rate of the schedule.
    pub(crate) rate: f64,
    /// The bound of the norm, or the steps from one reset to the next.
    pub(crate) bound: Option<f64>,
}

impl Method {
    pub(crate) const ALL: [Self; 10] = [
        Self::of(Rule::Of(Optimiser::AdamW), Norm::Free, false),
        Self::of(Rule::Spam, Norm::Free, false),
        Self::of(Rule::Of(Optimiser::AdamW), Norm::Bound, false),
        Self::of(Rule::Of(Optimiser::AdamW), Norm::ZClip, false),
        Self::of(Rule::Of(Optimiser::RobustAdamW), Norm::Free, false),
        Self::of(Rule::Of(Optimiser::RobustSgm), Norm::Free, false),
        Self::of(Rule::Of(Optimiser::AdamW), Norm::GradientGuard, false),
        Self::of(Rule::Of(Optimiser::RobustSgm), Norm::GradientGuard, false),
        Self::of(Rule::Of(Optimiser::AdamW), Norm::Free, true),
        Self::of(Rule::Of(Optimiser::RobustSgm), Norm::GradientGuard, true),
    ];

    const fn of(optimiser: Rule, clip: Norm, weighs: bool) -> Self {
        Self { optimiser, clip, weighs }
    }

    pub(crate) fn name(self) -> String {
        let optimiser = match self.optimiser {
            Rule::Of(optimiser) => optimiser.name(),
            Rule::Spam => "SPAM, reset at a tuned interval".to_owned(),
        };
        let clip = match self.clip {
            Norm::Free => "",
            Norm::Bound => ", norm clipped at a tuned bound",
            Norm::ZClip => " + ZClip",
            Norm::GradientGuard if self.weighs => " + both guards",
            Norm::GradientGuard => " + GradientGuard",
        };
        let loss = if self.weighs && self.clip == Norm::Free { " + LossGuard" } else { "" };
        format!("{optimiser}{clip}{loss}")
    }

    /// Whether it is one of evenkeel's.
    pub(crate) fn is_ours(self) -> bool {
        self.weighs
            || self.clip == Norm::GradientGuard
            || matches!(self.optimiser, Rule::Of(Optimiser::RobustAdamW | Optimiser::RobustSgm))
    }

    /// The settings that are tried, as many for every method.
    pub(crate) fn settings(self, sheet: &Sheet) -> Vec<Setting> {
        let bounds = match self {
            Self { clip: Norm::Bound, .. } => BOUNDS,
            Self { optimiser: Rule::Spam, .. } => RESETS,
            _ => return sheet.rates.map(|rate| Setting { rate, bound: None }).into(),
        };
        let of = |bound| sheet.middle_rates.map(|rate| Setting { rate, bound: Some(bound) });
        bounds.into_iter().flat_map(of).collect()
    }

    /// Made ready for these variables. All but the learning rate is as the optimiser's author has it.
    pub(crate) fn optimiser(self, vars: Vec<Var>, Setting { rate, bound }: Setting) -> Result<Box<dyn Step>> {
        Ok(match self.optimiser {
            Rule::Of(optimiser) => optimiser.build(vars, rate)?,
            Rule::Spam => {
                let reset = whole(bound.context("SPAM is reset after so many steps")?);
                Box::new(Spam::new(vars, ParamsSpam { rate, reset })?)
            }
        })
    }

    /// What holds the gradient back.
    pub(crate) fn clip(self, setting: Setting) -> Result<Box<dyn Clip>> {
        Ok(match self.clip {
            Norm::Free => Box::new(Off),
            Norm::Bound => Box::new(Bound(setting.bound.context("a norm is clipped at a bound")?)),
            Norm::ZClip => Box::new(ZClip::default()),
            Norm::GradientGuard => Box::new(Guard::new()?),
        })
    }

    /// What weighs the examples of minibatches of this size, if something does. A cross-entropy is judged as it is.
    pub(crate) fn weighs(self, batch: usize) -> Result<Option<LossGuard>> {
        Ok(if self.weighs { Some(LossGuard::new(Decay::half_life(50.0 * batch as f64)?)?) } else { None })
    }
}
