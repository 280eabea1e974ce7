//! Target `finite`: no input makes a state that is not finite, under any gain, at any distances in time.
//!
//! The specification was tried in the same way: stretches of samples that are tiny, then anything up to the largest float; the two
//! ends in turn; infinities alone; steps of a decimal; and distances of nothing and of centuries between them.

use crate::draw::Draw;
use crate::for_the_drawn_type;
use crate::oracle::Float;
use core::time::Duration;
use evenkeel::{Backend, CleanedEma, Columns, Decay, Estimator, Resolution, RobustMean, Sweep, Timed};

/// Channels that see the same samples some rows later, so that a vector holds different states.
const CHANNELS: usize = 9;

pub fn check(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    for_the_drawn_type!(both, draw);
}

fn both<T: Float>(draw: &mut Draw<'_>) {
    let decay = if draw.flag() {
        let half_life = draw.one_of(&[1, 1_000_000_000, 600_000_000_000, u64::MAX]);
        Decay::half_life_time(Duration::from_nanos(half_life)).expect("above zero")
    } else {
        // From 2^-22 to 1; ten of them between 1/2 and 1.
        let gain = match draw.byte() {
            byte @ 0..=63 => 1.0 - f64::from(byte % 11) / 22.0,
            byte => libm::exp2(-f64::from(byte) * 22.0 / 255.0),
        };
        Decay::alpha(gain).expect("from 2^-22 to 1")
    };
    let patience = 1 + u32::from(draw.byte()) % RobustMean::MOST_PATIENCE;
    let resolution =
        draw.one_of(&[Resolution::Step(0.0), Resolution::Learn, Resolution::Step(1.0), Resolution::Step(1e30)]);
    if draw.flag() {
        let rule =
            RobustMean::new(decay).patience(patience).and_then(|rule| rule.resolution(resolution)).expect("valid");
        run::<_, T>(if draw.flag() { rule.mean_faithful() } else { rule }, decay, draw);
    } else {
        let rule = CleanedEma::new(decay).patience(patience).and_then(|rule| rule.resolution(resolution));
        run::<_, T>(rule.expect("valid"), decay, draw);
    }
}

fn run<R: Estimator + Timed, T: Float>(rule: R, decay: Decay, draw: &mut Draw<'_>) {
    // Gains that ages of `f32` have no room for are refused.
    let Ok(sweep) = Sweep::<R, T>::new(rule.clone()) else { return };
    let Ok(sweep) = sweep.with_backend(draw.one_of(&Backend::available().collect::<Vec<_>>())) else { return };
    let mut columns = Columns::<R, T>::new(CHANNELS).expect("a few channels");
    let mut random = draw.random();
    while !draw.is_empty() {
        let (kind, count) = (draw.byte(), 1 + draw.below(24));
        let elapsed = draw.one_of(&[0, 1, 1_000_000_000, 3_000_000_000, 86_400_000_000_000, u64::MAX]);
        let now = match decay.in_time() {
            Some(_) => sweep.after(Duration::from_nanos(elapsed)).expect("in time"),
            None => sweep.clone(),
        };
        for number in 0..count {
            let row: Vec<T> = (0..CHANNELS).map(|channel| sample(kind, number + channel, random.unit())).collect();
            now.update(columns.as_mut_slices(), &row).expect("one sample each");
            for channel in 0..CHANNELS {
                let state = columns.state(channel).expect("it exists");
                let reading = sweep.reading(&state);
                if reading.age == T::ZERO {
                    continue;
                }
                let half = T::LARGEST.to_f64() / 2.0;
                assert!(reading.location.to_f64().abs() <= half, "{rule:?} {reading:?} after {row:?}");
                assert!(reading.scale.finite() && reading.scale > T::ZERO, "{rule:?} {reading:?} after {row:?}");
                // The last of a robust mean's columns, and the fifth of a cleaned average's, is an integer in the bits of a number.
                let tally = if state.as_ref().len() == 4 { 3 } else { 4 };
                let numbers = state.as_ref().iter().enumerate().filter(|(column, _)| *column != tally);
                numbers.for_each(|(column, value)| {
                    assert!(value.finite(), "{rule:?}: column {column} is {value}, {reading:?}")
                });
            }
        }
    }
}

/// The sample of this number in a stretch of this kind; `unit` is from 0 to 1.
fn sample<T: Float>(kind: u8, number: usize, unit: f64) -> T {
    let ends = [T::LARGEST, -T::LARGEST];
    let small = libm::exp2(-100.0);
    match kind % 12 {
        0 => T::from_f64(unit * 1e-30),
        1 => T::from_f64((unit - 0.5) * T::LARGEST.to_f64()),
        2 => ends[number % 2],
        3 => T::INFINITY,
        4 => [T::INFINITY, -T::INFINITY][number % 2],
        5 => [T::ZERO, -T::ZERO, T::SUBNORMAL][number % 3],
        6 => T::from_f64(libm::exp2(unit * 250.0 - 125.0)),
        7 => T::from_f64(f64::from(u8::try_from(number % 3).unwrap_or(0))),
        8 => T::from_f64(libm::round(unit * 100.0) / 10.0),
        9 => T::from_f64(small * unit),
        10 => [ends[0], T::NAN, T::ZERO, ends[1]][number % 4],
        _ => T::from_f64(1e6 + unit),
    }
}
