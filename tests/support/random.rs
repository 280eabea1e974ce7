//! Random numbers from a seed, the same on every platform.

/// Steele, Lea and Flood's `SplitMix64`: integers, and floats made of them by exact operations.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    state: u64,
    spare: Option<f64>,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed, spare: None }
    }

    pub(crate) fn word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 to just below 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.word() >> 11) as f64 * 2.0_f64.powi(-53)
    }

    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// From 0 to `bound - 1`.
    #[allow(clippy::cast_possible_truncation)] // below `bound`
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.word() % bound as u64) as usize
    }

    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Standard Gaussian, by Marsaglia's polar method. The logarithm is a Rust function, not the platform's, and the
    /// rest is exact or correctly rounded, so the numbers are the same everywhere.
    pub(crate) fn gauss(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let (u, v) = (self.between(-1.0, 1.0), self.between(-1.0, 1.0));
            let s = u * u + v * v;
            if s > 0.0 && s < 1.0 {
                let factor = (-2.0 * libm::log(s) / s).sqrt();
                self.spare = Some(v * factor);
                return u * factor;
            }
        }
    }

    /// Exponential with mean 1.
    pub(crate) fn exponential(&mut self) -> f64 {
        -libm::log(1.0 - self.unit())
    }

    /// Student's t with a few degrees of freedom: 1 is Cauchy's distribution.
    pub(crate) fn student(&mut self, freedom: u32) -> f64 {
        let squares: f64 = (0..freedom).map(|_| self.gauss()).map(|z| z * z).sum();
        self.gauss() / (squares / f64::from(freedom)).sqrt()
    }

    /// Poisson, by the waiting times of Knuth; for small means.
    pub(crate) fn poisson(&mut self, mean: f64) -> f64 {
        let (mut count, mut waited) = (0.0, self.exponential());
        while waited < mean {
            count += 1.0;
            waited += self.exponential();
        }
        count
    }
}
