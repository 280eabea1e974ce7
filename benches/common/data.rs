//! Samples to feed: Gaussian noise about 10, with a share of gross outliers, the same on every run.

use evenkeel::Real;

/// `SplitMix64`: small, seedable, and good enough to time with.
pub struct Noise(u64);

impl Noise {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Any of the numbers below `count`, which has less than 32 bits.
    #[allow(clippy::cast_possible_truncation)]
    pub fn below(&mut self, count: usize) -> usize {
        (((self.bits() >> 32) * count as u64) >> 32) as usize
    }

    /// Uniform in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Standard normal, by Marsaglia's polar method.
    pub fn normal(&mut self) -> f64 {
        loop {
            let (u, v) = (2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0);
            let s = u * u + v * v;
            if s > 0.0 && s < 1.0 {
                return u * (-2.0 * s.ln() / s).sqrt();
            }
        }
    }
}

/// Rows of one sample per channel, each of them a window on a longer row that begins at a place drawn at random.
///
/// A real sample is new, and a processor must not know those of a benchmark by heart: a branch on what a vector holds
/// then costs nothing. What was weighed, in nanoseconds per update of 1 Ki channels of `RobustMean` (`f32`, AVX-512,
/// Zen 5), clean and with 5% outliers, beside those of the memory probe:
///
/// | rows | clean | 5% | probe |
/// |---|---|---|---|
/// | fresh ones, copied before the clock starts from a table of 128 MiB | 0.33 | 0.38 | 0.06 |
/// | 256 windows, 16 samples apart, in an order that repeats | 0.17 | 0.26 | 0.05 |
/// | the same in random order, so that only the samples are learnt | 0.31 | 0.28 | 0.06 |
/// | random windows, any 16th sample of 512 KiB a start | 0.32 | 0.36 | 0.06 |
/// | **random windows, any sample of 512 KiB a start** | 0.32 | 0.38 | 0.06 |
/// | any sample of 4 MiB | 0.33 | 0.39 | 0.08 |
/// | any 16th sample of 64 MiB | 0.75 | 0.91 | 0.46 |
///
/// So many starts are as good as fresh samples, and 512 KiB stay in a second-level cache beside the columns of a small
/// bank, as samples do that somebody has just received. The same holds of AVX2, of `f64`, and of 64 Ki channels.
pub struct Rows<T> {
    long: Vec<T>,
    channels: usize,
    starts: Noise,
}

impl<T: Real> Rows<T> {
    /// Samples of the long row beyond those of one window: as many starts.
    const SPARE: usize = (512 << 10) / size_of::<T>();

    pub fn new(channels: usize, outliers: f64, seed: u64) -> Self {
        Self { long: samples(channels + Self::SPARE, outliers, seed), channels, starts: Noise::new(!seed) }
    }

    /// Rows in which a share of the samples, at random places, is missing.
    pub fn with_missing(channels: usize, missing: f64, seed: u64) -> Self {
        let mut rows = Self::new(channels, 0.0, seed);
        let mut noise = Noise::new(seed ^ 1);
        rows.long.iter_mut().filter(|_| noise.uniform() < missing).for_each(|sample| *sample = T::NAN);
        rows
    }

    pub fn next(&mut self) -> &[T] {
        &self.long[self.starts.below(Self::SPARE)..][..self.channels]
    }
}

/// `count` samples, of which a share of `outliers` lies 100 standard deviations up. Long rows repeat a random table
/// from random places: making 16 Mi normal numbers afresh would take longer than the benchmark.
pub fn samples<T: Real>(count: usize, outliers: f64, seed: u64) -> Vec<T> {
    let mut noise = Noise::new(seed);
    let table: Vec<T> = (0..count.min(1 << 20))
        .map(|_| {
            let spike = if noise.uniform() < outliers { 100.0 } else { 0.0 };
            T::from_f64(10.0 + noise.normal() + spike)
        })
        .collect();
    let mut samples = Vec::with_capacity(count);
    while samples.len() < count {
        let start = noise.below(table.len());
        let length = (table.len() - start).min(count - samples.len());
        samples.extend_from_slice(&table[start..start + length]);
    }
    samples
}
