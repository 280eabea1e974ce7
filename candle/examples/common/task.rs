//! What a study brings along: a network, data, and what is wrong with them.

use anyhow::Result;
use candle_core::{Device, Tensor, Var};
use fastrand::Rng;

use super::single::single;

/// Something to be learnt, clean and disturbed in several ways.
pub(crate) trait Task: Sync {
    /// What the tables and the picture say of it.
    fn sheet(&self) -> Sheet;

    /// A network before its first step. Initial weights, the order of the examples and what is wrong with them depend on the
    /// seed: runs of one seed share them all.
    fn begin(&self, scenario: usize, seed: u64) -> Result<Box<dyn Lesson + '_>>;
}

/// One network that learns.
pub(crate) trait Lesson {
    fn vars(&self) -> &[Var];

    /// The losses of the next minibatch, one for each example, from which gradients can be had.
    fn losses(&mut self) -> Result<Tensor>;

    /// What the gradient of this minibatch is multiplied by.
    fn spike(&mut self) -> f64 {
        1.0
    }

    /// How far off the network is on clean data, of which so many examples are enough.
    fn score(&self, enough: usize) -> Result<Score>;
}

/// How far off a network is: the less the better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Score {
    /// On what settings are chosen by.
    pub(crate) validation: f64,
    /// On what nothing but the result depends on.
    pub(crate) test: f64,
}

/// What the tables and the picture say of a task.
#[derive(Clone, Debug)]
pub(crate) struct Sheet {
    /// The name of the files.
    pub(crate) name: &'static str,
    /// The title of the picture.
    pub(crate) title: String,
    /// What is trained, on what, and what is measured.
    pub(crate) about: String,
    /// What a broken line in the picture marks, and where, if there is one.
    pub(crate) mark: Option<(&'static str, f64)>,
    /// The scenarios, the clean one first.
    pub(crate) scenarios: Vec<&'static str>,
    /// Examples in a minibatch.
    pub(crate) batch: usize,
    /// Steps of a run, unless others are asked for.
    pub(crate) steps: u16,
    /// Learning rates that a method with nothing else to tune is tried with.
    pub(crate) rates: [f64; 6],
    /// Rates that a method with one of two other numbers to tune is tried with: as many settings, where the best of the others are.
    pub(crate) middle_rates: [f64; 3],
    /// How many seeds choose the setting, by the mean of their validation scores. They are no part of the result.
    pub(crate) tuning_seeds: u64,
    /// How many seeds the result is of.
    pub(crate) seeds: u64,
    /// Decimals of a score.
    pub(crate) decimals: usize,
    /// The scores at the edges of a panel of the picture.
    pub(crate) range: [f64; 2],
    /// The scores that are written below a panel.
    pub(crate) ticks: Vec<f64>,
}

/// A variable whose elements are uniform within a bound, from a generator that can be seeded, which candle's own on the CPU
/// cannot.
pub(crate) fn uniform(shape: (usize, usize), bound: f64, rng: &mut Rng) -> Result<Var> {
    let values: Vec<f32> = (0..shape.0 * shape.1).map(|_| single((2.0 * rng.f64() - 1.0) * bound)).collect();
    Ok(Var::from_vec(values, shape, &Device::Cpu)?)
}
