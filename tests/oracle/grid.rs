//! The resolution that is learnt: `decimal_grid.py`. Steps of 1, 0.1, 0.01, ... 1e-6 are exponents from 0 to 6; 7 is
//! continuous.

use super::Float;

const CONTINUOUS: u32 = 7;
const POWERS: [f64; 7] = [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6];
const STEPS: [f64; 8] = [1.0, 0.1, 0.01, 1e-3, 1e-4, 1e-5, 1e-6, 0.0];

/// Half the step, by which a sample is judged.
pub(crate) fn half_step<T: Float>(exponent: u32) -> T {
    match POWERS.get(exponent as usize) {
        Some(&power) => T::from_f64(0.5) / T::from_f64(power),
        None => T::ZERO,
    }
}

/// The exponent after this sample: the next finer one if it is no multiple of the step.
pub(crate) fn vote<T: Float>(exponent: u32, x: T) -> u32 {
    let Some(&power) = POWERS.get(exponent as usize) else { return exponent };
    let multiple = x.size() * T::from_f64(power);
    let is_off = (multiple - multiple.nearest()).size() > T::from_f64(2.0_f64.powi(T::NEAR_STEP)) * multiple;
    exponent + u32::from(is_off)
}

/// The step of an exponent; zero is continuous.
pub(crate) fn step(exponent: u32) -> f64 {
    STEPS[exponent as usize]
}

/// The exponent of a step that is known: the coarsest that is not coarser.
pub(crate) fn exponent(step: f64) -> u32 {
    (0..CONTINUOUS).find(|&exponent| STEPS[exponent as usize] <= step).unwrap_or(CONTINUOUS)
}
