//! Clips of the gradient by its norm, each a factor from the norm of a step.

use anyhow::Result;
use evenkeel::{Decay, GradientGuard};

/// A factor for the gradient of every step, from its norm.
pub(crate) trait Clip {
    fn factor(&mut self, norm: f64) -> f64;
}

/// Nothing is held back.
pub(crate) struct Off;

impl Clip for Off {
    fn factor(&mut self, _: f64) -> f64 {
        1.0
    }
}

/// A norm of at most so much (Pascanu, Mikolov and Bengio 2013).
pub(crate) struct Bound(pub(crate) f64);

impl Clip for Bound {
    fn factor(&mut self, norm: f64) -> f64 {
        (self.0 / norm).min(1.0)
    }
}

/// `ZClip` (Kumar, Singh and others 2025): norms that lie more than 2.5 deviations above their running mean come back towards it.
/// The constants are the authors'.
#[derive(Default)]
pub(crate) struct ZClip {
    first: Vec<f64>,
    mean: f64,
    variance: f64,
}

impl ZClip {
    const WARM_UP: usize = 25;
    const KEEP: f64 = 0.97;
    const MOST: f64 = 2.5;
}

impl Clip for ZClip {
    fn factor(&mut self, norm: f64) -> f64 {
        if !norm.is_finite() {
            return 0.0;
        }
        if self.first.len() < Self::WARM_UP {
            self.first.push(norm);
            let count = self.first.len() as f64;
            self.mean = self.first.iter().sum::<f64>() / count;
            self.variance = self.first.iter().map(|norm| (norm - self.mean).powi(2)).sum::<f64>() / count;
            return 1.0;
        }
        let deviation = self.variance.sqrt();
        let score = (norm - self.mean) / (deviation + 1e-6);
        let held = if score > Self::MOST { self.mean + Self::MOST.powi(2) / score * deviation } else { norm };
        self.mean = Self::KEEP * self.mean + (1.0 - Self::KEEP) * held;
        self.variance = Self::KEEP * self.variance + (1.0 - Self::KEEP) * (held - self.mean).powi(2);
        held / norm.max(f64::MIN_POSITIVE)
    }
}

/// `AutoClip` (Seetharaman, Wichern, Pardo and Le Roux 2020): a norm of at most the tenth percentile of all norms so far.
#[derive(Default)]
pub(crate) struct AutoClip {
    /// In order.
    norms: Vec<f64>,
}

impl Clip for AutoClip {
    fn factor(&mut self, norm: f64) -> f64 {
        if !norm.is_finite() {
            return 0.0;
        }
        let place = self.norms.partition_point(|other| *other < norm);
        self.norms.insert(place, norm);
        // Between its neighbours, as NumPy has it.
        let place = 0.1 * (self.norms.len() - 1) as f64;
        let at = |index: f64| self.norms.get(whole(index)).copied().unwrap_or(norm);
        let (below, above) = (at(place.floor()), at(place.ceil()));
        let bound = below + place.fract() * (above - below);
        (bound / norm.max(f64::MIN_POSITIVE)).min(1.0)
    }
}

/// A number that is whole and not below zero.
pub(crate) fn whole(number: f64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is whole, and no number of steps is as large"
    )]
    let index = number as usize;
    index
}

/// evenkeel's guard, of all variables together.
pub(crate) struct Guard(GradientGuard);

impl Guard {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(GradientGuard::new(Decay::half_life(50.0)?)?))
    }
}

impl Clip for Guard {
    fn factor(&mut self, norm: f64) -> f64 {
        self.0.observe(norm)
    }
}
