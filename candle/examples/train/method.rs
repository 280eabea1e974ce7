//! The methods that are compared: an optimiser, and what stands between it and the errors.

use anyhow::{Context, Result};
use candle_core::Tensor;
use evenkeel::{Decay, LossGuard};
use evenkeel_candle::weigh;

use crate::clipping::{AutoClip, Bound, Clip, Guard, Off, ZClip};
use crate::optimisers::Optimiser;
use crate::rounded::Rounding;
use crate::training::BATCH;

/// A way to train.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Method {
    pub(crate) optimiser: Optimiser,
    pub(crate) aid: Aid,
}

/// What stands between an optimiser and the errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aid {
    Nothing,
    /// A bound of the gradient's norm, which is tuned.
    ClipNorm,
    ZClip,
    AutoClip,
    GradientGuard,
    /// Huber's loss, whose corner is tuned.
    Huber,
    LossGuard,
}

/// Learning rates that a method with nothing else to tune is tried with: two to a decade.
pub(crate) const RATES: [f64; 15] =
    [1e-7, 3e-7, 1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0];
/// Rates that a method with a bound to tune is tried with, and its bounds: as many settings, where the best of the others are.
const MIDDLE_RATES: [f64; 5] = [1e-5, 1e-4, 1e-3, 3e-3, 1e-2];
const NORMS: [f64; 3] = [0.1, 0.5, 2.0];
const CORNERS: [f64; 3] = [0.1, 0.3, 1.0];

/// What is tuned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Setting {
    /// The learning rate of the first step. It falls linearly to zero at the last.
    pub(crate) rate: f64,
    /// The bound of the norm, or the corner of Huber's loss.
    pub(crate) bound: Option<f64>,
}

impl Method {
    pub(crate) const ALL: [Self; 11] = [
        Self::of(Optimiser::Sgd, Aid::Nothing),
        Self::of(Optimiser::AdamW, Aid::Nothing),
        Self::of(Optimiser::RobustAdamW, Aid::Nothing),
        Self::of(Optimiser::RobustSgm, Aid::Nothing),
        Self::of(Optimiser::AdamW, Aid::ClipNorm),
        Self::of(Optimiser::AdamW, Aid::ZClip),
        Self::of(Optimiser::AdamW, Aid::AutoClip),
        Self::of(Optimiser::AdamW, Aid::GradientGuard),
        Self::of(Optimiser::AdamW, Aid::Huber),
        Self::of(Optimiser::AdamW, Aid::LossGuard),
        Self::of(Optimiser::RobustSgm, Aid::LossGuard),
    ];

    /// Those that are compared with the same in `f32`.
    pub(crate) const ROUNDED: [Self; 9] = [
        Self::of(Optimiser::RobustSgm, Aid::Nothing),
        Self::of(Optimiser::RoundedSgm(Rounding::Stochastic), Aid::Nothing),
        Self::of(Optimiser::RoundedSgm(Rounding::Nearest), Aid::Nothing),
        Self::of(Optimiser::RobustSgm, Aid::LossGuard),
        Self::of(Optimiser::RoundedSgm(Rounding::Stochastic), Aid::LossGuard),
        Self::of(Optimiser::RoundedSgm(Rounding::Nearest), Aid::LossGuard),
        Self::of(Optimiser::RobustAdamW, Aid::Nothing),
        Self::of(Optimiser::RoundedAdamW(Rounding::Stochastic), Aid::Nothing),
        Self::of(Optimiser::RoundedAdamW(Rounding::Nearest), Aid::Nothing),
    ];

    const fn of(optimiser: Optimiser, aid: Aid) -> Self {
        Self { optimiser, aid }
    }

    pub(crate) fn name(self) -> String {
        let optimiser = &self.optimiser.name();
        match self.aid {
            Aid::Nothing => optimiser.clone(),
            Aid::ClipNorm => format!("{optimiser}, norm clipped at a tuned bound"),
            Aid::ZClip => format!("{optimiser} + ZClip"),
            Aid::AutoClip => format!("{optimiser} + AutoClip"),
            Aid::GradientGuard => format!("{optimiser} + GradientGuard"),
            Aid::Huber => format!("{optimiser}, Huber's loss with a tuned corner"),
            Aid::LossGuard => format!("{optimiser} + LossGuard"),
        }
    }

    /// Whether it is one of evenkeel's.
    pub(crate) fn is_ours(self) -> bool {
        matches!(self.aid, Aid::LossGuard | Aid::GradientGuard)
            || !matches!(self.optimiser, Optimiser::Sgd | Optimiser::AdamW)
    }

    /// The settings that are tried, as many for every method.
    pub(crate) fn settings(self) -> Vec<Setting> {
        let bounds = match self.aid {
            Aid::ClipNorm => NORMS,
            Aid::Huber => CORNERS,
            _ => return RATES.map(|rate| Setting { rate, bound: None }).into(),
        };
        let of = |bound| MIDDLE_RATES.map(|rate| Setting { rate, bound: Some(bound) });
        bounds.into_iter().flat_map(of).collect()
    }

    /// What makes the loss of a minibatch of the losses of its rows.
    pub(crate) fn objective(self, setting: Setting) -> Result<Objective> {
        Ok(match self.aid {
            Aid::Huber => Objective::Huber(setting.bound.context("Huber's loss has a corner")?),
            Aid::LossGuard => {
                let memory = Decay::half_life(50.0 * BATCH as f64)?;
                Objective::Guarded(Box::new(LossGuard::new(memory)?.squared()))
            }
            _ => Objective::Mean,
        })
    }

    /// What holds the gradient back.
    pub(crate) fn clip(self, setting: Setting) -> Result<Box<dyn Clip>> {
        Ok(match self.aid {
            Aid::ClipNorm => Box::new(Bound(setting.bound.context("a norm is clipped at a bound")?)),
            Aid::ZClip => Box::new(ZClip::default()),
            Aid::AutoClip => Box::new(AutoClip::default()),
            Aid::GradientGuard => Box::new(Guard::new()?),
            Aid::Nothing | Aid::Huber | Aid::LossGuard => Box::new(Off),
        })
    }
}

/// How the loss of a minibatch comes from its errors.
pub(crate) enum Objective {
    /// The mean square.
    Mean,
    /// The mean of Huber's loss with this corner: half the square of an error up to the corner, and a straight line from there.
    Huber(f64),
    /// The mean square, in which suspects weigh less.
    Guarded(Box<LossGuard>),
}

impl Objective {
    /// The loss, from which gradients can be had, of errors with one row each.
    pub(crate) fn of(&mut self, errors: &Tensor) -> Result<Tensor> {
        Ok(match self {
            Self::Mean => errors.sqr()?.mean_all()?,
            Self::Huber(corner) => {
                // With c the error cut off at the corner: c^2 / 2 + corner (|e| - |c|).
                let cut = errors.clamp(-*corner, *corner)?;
                let beyond = ((errors.abs()? - cut.abs()?)? * *corner)?;
                ((cut.sqr()? * 0.5)? + beyond)?.mean_all()?
            }
            Self::Guarded(guard) => {
                let losses = errors.sqr()?;
                let weights = weigh(guard, &losses)?;
                (losses * weights)?.mean_all()?
            }
        })
    }
}
