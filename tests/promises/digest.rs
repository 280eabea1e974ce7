//! Promise: the same bits everywhere, for ever: a fixed workload of every rule, hashed, must give the digest that is
//! committed here, on every backend, in every mode of operation and on every number of threads.
//!
//! A digest that changes is a change of results, which counts as breaking; it belongs in the changelog.

use crate::{oracle, support};
use core::num::NonZeroUsize;
use evenkeel::{
    CleanedEma, ClippedEma, ColumnsOf, Decay, Ema, Estimator, LayerRule, LearningRate, Numerator, RelaxedNumerator,
    Resolution, RobustMean, Sweep, Threads, WeightDecay,
};
use oracle::{Float, Parameters, Spec, Specification, cleaned};
use support::every_backend;
use support::random::Random;

/// Fowler, Noll and Vo's hash, 64 bits, 1a.
struct Digest(u64);

impl Digest {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
    fn numbers<T: Float>(&mut self, numbers: &[T]) {
        for number in numbers {
            // Every NaN is the same: which one a missing location holds is nobody's business.
            let word = if number.nan() { T::NAN } else { *number }.to_word();
            for byte in word.to_le_bytes() {
                self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
    }
}

const CHANNELS: usize = 211;
const ROWS: usize = 480;

/// The ways in which a bank's rows are run.
#[derive(Clone, Copy, Debug)]
enum Mode {
    Rows,
    Blocks,
    Scattered,
    Series,
    Channels,
}

/// State columns as plain vectors, whichever rule they are of.
trait Plain<T: Float>: Estimator {
    fn run(self, sweep: &Sweep<Self, T>, mode: Mode, block: &[T]) -> Vec<Vec<T>>;
}

macro_rules! plain {
    ($($rule:ident $columns:literal),*) => {
        $(impl<T: Float> Plain<T> for $rule {
            fn run(self, sweep: &Sweep<Self, T>, mode: Mode, block: &[T]) -> Vec<Vec<T>> {
                let mut columns: [Vec<T>; $columns] = core::array::from_fn(|_| vec![T::ZERO; CHANNELS]);
                sweep.reset(columns.each_mut().map(Vec::as_mut_slice));
                // More rows than are turned at a time, and no whole number of squares.
                let rows = if let Mode::Rows = mode { 1 } else { 77 };
                for rows in block.chunks(CHANNELS * rows) {
                    let state: ColumnsOf<$rule, &mut [T]> = columns.each_mut().map(Vec::as_mut_slice);
                    let length = rows.len() / CHANNELS;
                    let series = || (0..CHANNELS).map(|channel| (0..length).map(|row| rows[row * CHANNELS + channel]).collect());
                    let named = || (0..rows.len()).map(|index| index % CHANNELS).collect::<Vec<_>>();
                    match mode {
                        Mode::Rows => sweep.update(state, rows),
                        Mode::Blocks => sweep.update_rows(state, rows),
                        Mode::Scattered => sweep.update_at(state, &named(), rows),
                        Mode::Series => sweep.update_series(state, &series().collect::<Vec<Vec<T>>>()),
                        Mode::Channels => {
                            let mut state = state;
                            series().enumerate().try_for_each(|(channel, series): (usize, Vec<T>)| {
                                let state = state.each_mut().map(|column| &mut **column);
                                sweep.update_channel(state, channel, &series)
                            })
                        }
                    }
                    .unwrap();
                }
                columns.into()
            }
        })*
    };
}
plain!(Ema 2, ClippedEma 3, RobustMean 4, CleanedEma 7);

/// Checks one estimator in every mode, everywhere.
fn estimator<T: Float, R: Plain<T> + Copy>(name: &str, rule: R, expected: u64) {
    let block = Random::new(70).hostile::<T>(ROWS, CHANNELS);
    every_backend(|backend| {
        for threads in [Threads::One, Threads::Auto, Threads::Parts(NonZeroUsize::new(50).unwrap())] {
            for mode in [Mode::Rows, Mode::Blocks, Mode::Scattered, Mode::Series, Mode::Channels] {
                let sweep = Sweep::<R, T>::new(rule).unwrap().with_backend(backend).unwrap().with_threads(threads);
                let mut digest = Digest::new();
                rule.run(&sweep, mode, &block).iter().for_each(|column| digest.numbers(column));
                assert_eq!(digest.0, expected, "{name} {}: {:#018x}, {mode:?}, {threads:?}", T::NAME, digest.0);
            }
        }
    });
}

/// Checks one rule of weights and gradients everywhere: the state, every `a` and every mean.
fn layer<T: Float, R: LayerRule + Copy>(name: &str, rule: R, expected: u64) {
    let mut random = Random::new(71);
    // More than one chunk of the sum.
    let weights = 4096 + CHANNELS;
    let (w, g) = (random.hostile::<T>(25, weights), random.hostile::<T>(25, weights));
    every_backend(|backend| {
        for threads in [Threads::One, Threads::Auto, Threads::Parts(NonZeroUsize::new(50).unwrap())] {
            let layer = evenkeel::Layer::<R, T>::new(rule, weights).unwrap();
            let mut layer = layer.with_backend(backend).unwrap().with_threads(threads);
            let mut digest = Digest::new();
            let mut a = vec![T::ZERO; weights];
            for (w, g) in w.chunks(weights).zip(g.chunks(weights)) {
                let mean = layer.update_into(w, g, &mut a).unwrap();
                digest.numbers(&[mean]);
                digest.numbers(&a);
            }
            layer.state().into_iter().for_each(|column| digest.numbers(column));
            assert_eq!(digest.0, expected, "{name} {}: {:#018x}, {threads:?}", T::NAME, digest.0);
        }
    });
}

fn decay() -> Decay {
    Decay::half_life(7.0).unwrap()
}

/// Single and double, as `f32` and `f64` have different digests.
fn both<R: Plain<f32> + Plain<f64> + Copy>(name: &str, rule: R, single: u64, double: u64) {
    estimator::<f32, R>(name, rule, single);
    estimator::<f64, R>(name, rule, double);
}

fn both_layers<R: LayerRule + Copy>(name: &str, rule: R, single: u64, double: u64) {
    layer::<f32, R>(name, rule, single);
    layer::<f64, R>(name, rule, double);
}

/// The digest of what the specification makes of the workload.
fn specified<T: Float, O: Specification<T>>(spec: &O) -> u64 {
    let block = Random::new(70).hostile::<T>(ROWS, CHANNELS);
    let end = |channel| spec.run(O::unseen(), block.iter().copied().skip(channel).step_by(CHANNELS));
    let states: Vec<Vec<T>> = (0..CHANNELS).map(|channel| spec.columns(&end(channel))).collect();
    let mut digest = Digest::new();
    for column in 0..states[0].len() {
        digest.numbers(&states.iter().map(|state| state[column]).collect::<Vec<T>>());
    }
    digest.0
}

/// A robust mean, of which the specification has the same digests.
fn robust(name: &str, rule: RobustMean, p: &Parameters, single: u64, double: u64) {
    both(name, rule, single, double);
    let specified = (specified(&Spec::<f32>::new(p)), specified(&Spec::<f64>::new(p)));
    assert_eq!(specified, (single, double), "{name}");
}

fn cleaned(name: &str, rule: CleanedEma, p: &cleaned::Parameters, single: u64, double: u64) {
    both(name, rule, single, double);
    let specified = (specified(&cleaned::Spec::<f32>::new(p)), specified(&cleaned::Spec::<f64>::new(p)));
    assert_eq!(specified, (single, double), "{name}");
}

#[test]
fn robust_mean() {
    let (rule, p) = (RobustMean::new(decay()), Parameters::new(decay().gain()));
    robust("RobustMean", rule, &p, 0xbe26_7c2b_b393_a4c2, 0xbd7f_faaf_9a18_8cd6);
    let faithful = Parameters { resolution: 1.0, ..p.mean_faithful() };
    let counts = rule.mean_faithful().resolution(1.0).unwrap();
    robust("mean-faithful", counts, &faithful, 0x37cf_f797_8af8_5a48, 0x74a3_eb96_32e3_c2d0);
    let (learning, impatient) =
        (rule.resolution(Resolution::Learn).unwrap(), Parameters { patience: 5, ..p.learning() });
    let learning = learning.patience(5).unwrap();
    robust("RobustMean that learns", learning, &impatient, 0x396a_29c6_a668_b12f, 0xb13e_aae2_1e10_10d2);
}

#[test]
fn cleaned_ema() {
    let p = cleaned::Parameters::new(decay().gain());
    cleaned("CleanedEma", CleanedEma::new(decay()), &p, 0x1cb4_b463_bb13_7774, 0x76d8_6361_834c_540e);
    // Of so short a memory that its judge has the same.
    let short = Decay::half_life(1.2).unwrap();
    let rule = CleanedEma::new(short).resolution(Resolution::Learn).unwrap();
    let p = cleaned::Parameters::new(short.gain()).learning();
    cleaned("CleanedEma that learns", rule, &p, 0x595d_3a2d_edd2_11a0, 0x7091_4a2d_cd28_eaf1);
}

#[test]
fn averages() {
    both("Ema", Ema::new(decay()), 0x2a22_46b3_ae78_1205, 0x1ee9_a12e_4dc4_3c18);
    both("ClippedEma", ClippedEma::new(decay()), 0x4dc5_0402_9de2_e0a0, 0xa1c5_b582_e4ad_1552);
}

#[test]
fn numerators() {
    both_layers("Numerator", Numerator::new(1e-2).unwrap(), 0xd3cc_ba1e_5178_cee9, 0xe3fa_84dd_831a_696e);
    both_layers("RelaxedNumerator", RelaxedNumerator::new(1e-2).unwrap(), 0xe603_a211_56f7_b721, 0xc5dc_fa7f_7aa4_14d0);
}

#[test]
fn learning_rate() {
    let rule = LearningRate::new(1e-2).unwrap().weight_decay(WeightDecay::Coupled(0.1)).unwrap();
    both_layers("LearningRate", rule, 0xbf39_3ae4_b60d_5fcb, 0x6cca_795a_e929_f53f);
}
