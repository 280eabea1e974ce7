//! Target `ema`: the plain and the clipped average against their equations. Moments, scales and counts are the same bits;
//! what is made of them in `f64`, the bias-corrected average, is the formula's up to its rounding.

use crate::draw::{Belief, Draw};
use crate::oracle::{EmaSpec, EmaState, Float, pick};
use crate::{assert_words, for_the_drawn_type, rules};
use evenkeel::{Backend, ClippedEma, Columns, Decay, Ema, Estimator, Sweep};

pub fn check(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    for_the_drawn_type!(check_as, draw);
}

fn check_as<T: Float>(draw: &mut Draw) {
    if draw.flag() { plain::<T>(draw) } else { clipped::<T>(draw) }
}

/// One channel by its equations.
trait Plain<T: Float>: Clone {
    fn step(&mut self, g: T);
    fn seen(&self) -> u64;
    fn moment(&self) -> T;
    /// Where the samples lie that are near a threshold.
    fn belief(&self) -> Belief<T>;
    /// The columns that hold numbers, in their order. The count comes after them.
    fn columns(&self) -> Vec<T>;
}

#[derive(Clone)]
struct PlainEma<T>(EmaSpec<T>, EmaState<T>);

impl<T: Float> Plain<T> for PlainEma<T> {
    fn step(&mut self, g: T) {
        self.1 = self.0.step(&self.1, g);
    }
    fn seen(&self) -> u64 {
        self.1.t
    }
    fn moment(&self) -> T {
        self.1.m
    }
    fn belief(&self) -> Belief<T> {
        Belief { location: self.1.m, scale: self.1.m }
    }
    fn columns(&self) -> Vec<T> {
        vec![pick(self.1.t == 0, T::NAN, self.1.m)]
    }
}

fn plain<T: Float>(draw: &mut Draw) {
    let Some(decay) = rules::decay(draw) else { return };
    let spec = PlainEma(EmaSpec::<T>::new(decay.gain()), EmaSpec::unseen());
    let sweep = Sweep::<Ema, T>::new(Ema::new(decay));
    assert_eq!(sweep.is_ok(), decay.gain() >= T::MIN_GAIN);
    if let Ok(sweep) = sweep {
        run(draw, &sweep, &spec, decay, 0.0);
    }
}

/// The equations in the documentation of [`ClippedEma`].
#[derive(Clone)]
struct PlainClipped<T> {
    alpha: T,
    scale_alpha: T,
    clip: T,
    m: T,
    g_hat: T,
    t: u64,
}

/// Part of the way, and all of it, exactly, at a gain of 1.
fn toward<T: Float>(from: T, to: T, gain: T) -> T {
    pick(gain == T::ONE, to, from + gain * (to - from))
}

impl<T: Float> Plain<T> for PlainClipped<T> {
    fn step(&mut self, g: T) {
        if g.nan() {
            return;
        }
        self.t += 1;
        let size = pick(g.size() > T::HALF_MAX, T::HALF_MAX, g.size());
        let young = T::ONE / T::from_f64(self.t as f64);
        self.g_hat = toward(self.g_hat, size, pick(young > self.scale_alpha, young, self.scale_alpha));
        let limit = self.clip * self.g_hat;
        let kept = pick(size < limit, size, limit);
        self.m = toward(self.m, pick(g.negative(), -kept, kept), self.alpha);
    }
    fn seen(&self) -> u64 {
        self.t
    }
    fn moment(&self) -> T {
        self.m
    }
    fn belief(&self) -> Belief<T> {
        Belief { location: T::ZERO, scale: self.g_hat }
    }
    fn columns(&self) -> Vec<T> {
        vec![pick(self.t == 0, T::NAN, self.m), self.g_hat]
    }
}

fn clipped<T: Float>(draw: &mut Draw) {
    let (Some(decay), Some(scale_decay)) = (rules::decay(draw), rules::decay(draw)) else { return };
    let clip = draw.number(&[4.0, 1.0, 0.5, 2.0, 1e30, 0.0]);
    let rule = ClippedEma::new(decay).scale_decay(scale_decay);
    let Some(rule) = rules::accepted(rule.clip(clip), clip > 0.0 && clip.is_finite(), "clip", clip) else { return };
    let (alpha, scale_alpha) = (T::from_f64(decay.gain()), T::from_f64(scale_decay.gain()));
    let rounded = T::from_f64(clip);
    let carried = decay.gain().min(scale_decay.gain()) >= T::MIN_GAIN && rounded.finite() && rounded > T::ZERO;
    let sweep = Sweep::<ClippedEma, T>::new(rule);
    assert_eq!(sweep.is_ok(), carried, "{rule:?}");
    let spec = PlainClipped { alpha, scale_alpha, clip: rounded, m: T::ZERO, g_hat: T::ZERO, t: 0 };
    if let Ok(sweep) = sweep {
        run(draw, &sweep, &spec, decay, clip);
    }
}

fn run<R: Estimator, T: Float, P: Plain<T>>(draw: &mut Draw, sweep: &Sweep<R, T>, spec: &P, decay: Decay, clip: f64) {
    let channels = 1 + draw.below(40);
    let mut specs = vec![spec.clone(); channels];
    let (mut rows, mut states) = (Vec::new(), Vec::new());
    while !draw.is_empty() && rows.len() < 300 {
        let beliefs: Vec<_> = specs.iter().map(Plain::belief).collect();
        // A long run of one row brings channels to the age at which the correction has faded.
        let times = if draw.byte() < 16 { 1 + draw.below(100) } else { 1 };
        let row = draw.row::<T>(&beliefs, &[clip, 1.0]);
        for _ in 0..times {
            specs.iter_mut().zip(&row).for_each(|(spec, &g)| spec.step(g));
            states.push(specs.clone());
            rows.push(row.clone());
        }
    }
    let Some(last) = states.last() else { return };
    for backend in Backend::available() {
        let sweep = sweep.clone().with_backend(backend).expect("available");
        let mut columns = Columns::<R, T>::new(channels).expect("few");
        for (row, specs) in rows.iter().zip(&states) {
            sweep.update(columns.as_mut_slices(), row).expect("one sample a channel");
            assert_state(&sweep, &columns, specs, decay);
        }
        let mut columns = Columns::<R, T>::new(channels).expect("few");
        let block = rows.concat();
        let (early, late) = block.split_at(rows.len() / 2 * channels);
        sweep.update_rows(columns.as_mut_slices(), early).expect("whole rows");
        let named: Vec<usize> = (0..late.len()).map(|index| index % channels).collect();
        sweep.update_at(columns.as_mut_slices(), &named, late).expect("channels that exist");
        assert_state(&sweep, &columns, last, decay);
    }
}

fn assert_state<R: Estimator, T: Float, P: Plain<T>>(
    sweep: &Sweep<R, T>,
    columns: &Columns<R, T>,
    specs: &[P],
    decay: Decay,
) {
    let state = columns.as_slices();
    for (channel, spec) in specs.iter().enumerate() {
        let expected = spec.columns();
        let found: Vec<T> = state.as_ref()[..expected.len()].iter().map(|column| column[channel]).collect();
        let what = || format!("channel {channel}, sample {}, {sweep:?}", spec.seen());
        assert_words(&found, &expected, what);
        // The logarithm and exponential of every channel after every row would take most of the time.
        if spec.seen() > 3 && channel as u64 != spec.seen() % specs.len() as u64 {
            continue;
        }
        let reading = sweep.reading(&columns.state(channel).expect("it exists"));
        let (age, seen) = (reading.age.to_f64(), spec.seen() as f64);
        if spec.seen() == 0 {
            assert!(reading.location.nan() && reading.scale.nan() && age == 0.0, "{}", what());
            continue;
        }
        assert!(found.iter().all(|&number| number.finite()), "not finite: {found:?}, {}", what());
        let weight = weight(decay.gain(), spec.seen());
        // The count may stop only where the clip's scale and the correction no longer depend on it.
        assert!(age == seen || (age < seen && 1.0 - weight <= T::ROUNDING), "age {age} of {seen}, {}", what());
        let exact = spec.moment().to_f64() / weight;
        let error = (reading.location.to_f64() - exact).abs();
        let smallest = T::from_word(1).to_f64();
        let allowed = exact.abs() * (T::ROUNDING * 2.0 + 1e-14) + smallest;
        let overflowed = exact.abs() >= T::LARGEST.to_f64();
        assert!(error <= allowed || overflowed, "{:?}, not {exact:e}, {}", reading.location, what());
    }
}

/// `1 - beta^t`, by the platform's functions and not by those of the library.
fn weight(gain: f64, seen: u64) -> f64 {
    -(seen as f64 * (-gain).ln_1p()).exp_m1()
}
