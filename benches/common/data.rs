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

/// Rows of one sample per channel that differ from call to call: windows on one long row, each 16 channels further. Few
/// distinct rows would let the branch predictor, and a channel of few distinct samples its scale, learn them by heart.
pub struct Rows<T> {
    long: Vec<T>,
    channels: usize,
    turn: usize,
}

impl<T: Real> Rows<T> {
    const WINDOWS: usize = 256;

    pub fn new(channels: usize, outliers: f64, seed: u64) -> Self {
        Self { long: samples(channels + Self::WINDOWS * 16, outliers, seed), channels, turn: 0 }
    }

    pub fn next(&mut self) -> &[T] {
        self.turn = (self.turn + 89) % Self::WINDOWS;
        &self.long[self.turn * 16..][..self.channels]
    }
}

/// `count` samples, of which a share of `outliers` lies 100 standard deviations up. Long rows repeat a random table from
/// random places: making 16 Mi normal numbers afresh would take longer than the benchmark.
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
        #[allow(clippy::cast_possible_truncation)]
        let start = (noise.bits() as usize) % table.len();
        let length = (table.len() - start).min(count - samples.len());
        samples.extend_from_slice(&table[start..start + length]);
    }
    samples
}
