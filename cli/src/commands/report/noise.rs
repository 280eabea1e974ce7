//! Noise for the tests: always the same numbers.

/// Uniform numbers between 0 and 1.
pub(super) fn uniform(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }
}

/// About Gaussian noise, mean 0, variance 1.
pub(super) fn gaussian(seed: u64) -> impl FnMut() -> f64 {
    let mut uniform = uniform(seed);
    move || (0..12).map(|_| uniform()).sum::<f64>() - 6.0
}
