//! What is wrong with the training: labels that are gross errors, or gradients with heavy-tailed noise.

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, Var};
use fastrand::Rng;

use crate::single::single;

/// Standard deviations of the score by which a gross error is wrong.
pub(crate) const GROSS_ERROR: f32 = 100.0;
/// Standard deviations of the score by which an error is wrong that is not so gross.
pub(crate) const ERROR: f32 = 10.0;
/// The scale of the noise on every label, in standard deviations of the score: half of it lies within.
pub(crate) const LABEL_NOISE: f64 = 0.5;
/// Degrees of freedom of Student's t: the noise has a mean and no variance.
pub(crate) const DEGREES: f64 = 1.5;
/// The noise's scale, in root mean squares of a minibatch's gradient before the first step.
pub(crate) const NOISE: f64 = 1.0;

/// How the training is disturbed. Validation and test are always clean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scenario {
    Clean,
    /// Some of the training labels are wrong.
    Labels(Errors),
    /// Every training label has Cauchy noise added: there are no outliers, as all are off.
    Cauchy,
    /// Every element of every gradient has Student-t noise added.
    Gradients,
}

/// Labels that are wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Errors {
    /// How many in a hundred.
    pub(crate) percent: usize,
    /// Standard deviations of the score that are added to a label.
    pub(crate) size: f32,
    /// Whether all are added; else half are taken away, which is kinder to a method that believes them.
    pub(crate) one_sided: bool,
}

const fn gross(percent: usize) -> Scenario {
    Scenario::Labels(Errors { percent, size: GROSS_ERROR, one_sided: false })
}

const fn one_sided(percent: usize) -> Scenario {
    Scenario::Labels(Errors { percent, size: GROSS_ERROR, one_sided: true })
}

impl Scenario {
    pub(crate) const ALL: [Self; 8] = [
        Self::Clean,
        gross(2),
        gross(10),
        one_sided(10),
        one_sided(20),
        Self::Labels(Errors { percent: 10, size: ERROR, one_sided: false }),
        Self::Cauchy,
        Self::Gradients,
    ];

    pub(crate) fn name(self) -> String {
        match self {
            Self::Clean => "clean".to_owned(),
            Self::Labels(Errors { percent, one_sided: true, .. }) => format!("{percent}% gross errors, one-sided"),
            Self::Labels(Errors { percent, size, .. }) if size == GROSS_ERROR => {
                format!("{percent}% gross label errors")
            }
            Self::Labels(Errors { percent, size, .. }) => format!("{percent}% label errors of ±{size}"),
            Self::Cauchy => "Cauchy noise on every label".to_owned(),
            Self::Gradients => "Student-t gradient noise".to_owned(),
        }
    }

    /// How many of so many labels are spoiled.
    pub(crate) fn spoiled(self, rows: usize) -> usize {
        if let Self::Labels(Errors { percent, .. }) = self { rows * percent / 100 } else { 0 }
    }

    /// Spoils the labels as the scenario says, at random.
    pub(crate) fn spoil(self, targets: &mut [f32], rng: &mut Rng) {
        if self == Self::Cauchy {
            for target in &mut *targets {
                *target += single(LABEL_NOISE * (core::f64::consts::PI * (rng.f64() - 0.5)).tan());
            }
        }
        let Self::Labels(Errors { size, one_sided, .. }) = self else { return };
        let mut rows: Vec<usize> = (0..targets.len()).collect();
        rng.shuffle(&mut rows);
        for row in &rows[..self.spoiled(targets.len())] {
            targets[*row] += if rng.bool() || one_sided { size } else { -size };
        }
    }
}

/// Noise for the gradients of each variable, at the scale of that variable's gradients when training begins.
#[derive(Clone, Debug, Default)]
pub(crate) struct GradientNoise {
    /// For each variable, the sum of squares and the number of the elements seen.
    seen: Vec<(f64, usize)>,
}

impl GradientNoise {
    /// Learns the usual size of gradients from those of one more minibatch.
    pub(crate) fn learn(&mut self, vars: &[Var], grads: &GradStore) -> Result<()> {
        self.seen.resize(vars.len(), (0.0, 0));
        for ((squares, count), var) in self.seen.iter_mut().zip(vars) {
            if let Some(grad) = grads.get(var) {
                *squares += f64::from(grad.sqr()?.sum_all()?.to_scalar::<f32>()?);
                *count += grad.elem_count();
            }
        }
        Ok(())
    }

    /// Adds noise to every gradient.
    pub(crate) fn add(&self, vars: &[Var], grads: &mut GradStore, rng: &mut Rng) -> Result<()> {
        for ((squares, count), var) in self.seen.iter().zip(vars) {
            if let Some(grad) = grads.remove(var) {
                let scale = NOISE * (squares / *count as f64).sqrt();
                let noise = (0..grad.elem_count()).map(|_| single(scale * student_t(rng))).collect();
                let noise = Tensor::from_vec(noise, grad.shape(), grad.device())?;
                grads.insert(var, (grad + noise)?);
            }
        }
        Ok(())
    }
}

/// A draw from Student's t distribution (Bailey, *Polar generation of random variates with the t-distribution*, 1994).
fn student_t(rng: &mut Rng) -> f64 {
    loop {
        let (x, y) = (2.0 * rng.f64() - 1.0, 2.0 * rng.f64() - 1.0);
        let square = x * x + y * y;
        if square > 0.0 && square <= 1.0 {
            return x * (DEGREES * (square.powf(-2.0 / DEGREES) - 1.0) / square).sqrt();
        }
    }
}
