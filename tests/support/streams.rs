//! Rules and hostile streams from a seed, the same on every platform.

use super::random::Random;
use crate::oracle::{Float, Parameters};
use evenkeel::{Decay, RobustMean};

impl Random {
    /// A rule that a builder accepts, with every parameter anywhere in its range, and the same for the oracle.
    pub(crate) fn rule(&mut self) -> (RobustMean, Parameters) {
        let half_life = libm::pow(10.0, self.between(-1.0, 5.0));
        self.rule_of(half_life)
    }

    /// The same, with a given memory.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // small positive numbers
    pub(crate) fn rule_of(&mut self, half_life: f64) -> (RobustMean, Parameters) {
        let mut p = Parameters::new(-libm::expm1(-core::f64::consts::LN_2 / half_life));
        let mut rule = RobustMean::new(Decay::half_life(half_life).expect("above 0"));
        if self.chance(0.25) {
            return (rule, p);
        }
        if self.chance(0.25) {
            return (rule.mean_faithful(), Parameters::mean_faithful(p.alpha));
        }
        if self.chance(0.5) {
            p.clip = self.between(0.25, 9.0);
            rule = rule.clip(p.clip).expect("in range");
        }
        if self.chance(0.5) {
            p.taper_from = self.between(0.5, 9.0);
            p.reject = p.taper_from + self.between(0.01, 5.0);
            rule = rule.reject(p.taper_from, p.reject).expect("in range");
        } else if self.chance(0.3) {
            p.reject = f64::INFINITY;
            rule = rule.reject_nothing();
        }
        if self.chance(0.5) {
            p.scale_clip = self.between(1.01, 6.0);
            rule = rule.scale_clip(p.scale_clip).expect("in range");
        }
        if self.chance(0.5) {
            p.patience = [1.0, 2.0, 3.0, 8.0, 30.0, 255.0][self.below(6)];
            rule = rule.patience(p.patience as u32).expect("in range");
        }
        if self.chance(0.3) {
            let step = [1.0, 0.001, 1e-30, 1e6, 1e30][self.below(5)];
            p.resolution_floor = step / 2.0;
            rule = rule.resolution(step).expect("in range");
        }
        (rule, p)
    }

    /// Rows of samples that visit everything: noise, constants, shifts, spikes, gaps, infinities, zeros of both signs,
    /// subnormal and the largest numbers.
    ///
    /// The weather is common to all channels, so that whole vectors are calm at times; within a storm each channel has its
    /// own.
    pub(crate) fn hostile<T: Float>(&mut self, rows: usize, channels: usize) -> Vec<T> {
        let mut levels: Vec<f64> = (0..channels).map(|_| self.gauss() * 100.0).collect();
        let mut widths: Vec<f64> = (0..channels).map(|_| libm::pow(10.0, self.between(-4.0, 3.0))).collect();
        let (mut left, mut storm, mut gaps) = (0, 0.0, 0.0);
        let mut samples = Vec::with_capacity(rows * channels);
        for _ in 0..rows {
            if left == 0 {
                left = 5 + self.below(60);
                storm = [0.0, 0.0, 0.02, 0.2, 0.9][self.below(5)];
                gaps = [0.0, 0.0, 0.3][self.below(3)];
                for (level, width) in levels.iter_mut().zip(&mut widths) {
                    match self.below(10) {
                        0 => *level += *width * self.between(-30.0, 30.0),
                        1 => *level = *level * 1e3 + 1.0,
                        2 => *width = 0.0,
                        3 => *width = libm::pow(10.0, self.between(-6.0, 6.0)),
                        4 => *level = 0.0,
                        _ => {}
                    }
                }
            }
            left -= 1;
            for (&level, &width) in levels.iter().zip(&widths) {
                let sample = if self.chance(gaps) {
                    T::NAN
                } else if self.chance(storm) {
                    self.thunder(level, width)
                } else {
                    T::from_f64(level + width * self.gauss())
                };
                samples.push(sample);
            }
        }
        samples
    }

    /// One sample of the worst kinds.
    fn thunder<T: Float>(&mut self, level: f64, width: f64) -> T {
        let plain = match self.below(16) {
            0 => T::NAN,
            1 => T::INFINITY,
            2 | 3 => T::LARGEST,
            4 => T::LARGEST / T::from_f64(2.0),
            5 => T::LARGEST / T::from_f64(3.0),
            6 | 7 => T::ZERO,
            8 => T::SUBNORMAL,
            9 => T::from_word(1),
            10 => T::from_f64(level),
            11 => T::from_f64(self.between(0.0, 5.0).floor()),
            12 => T::from_f64(level + width * self.between(0.0, 10.0)),
            13 => T::from_f64(libm::pow(10.0, self.between(-40.0, 37.0))),
            14 => T::from_f64(level + width * 1e6),
            _ => T::from_f64(1e30),
        };
        if self.chance(0.5) { -plain } else { plain }
    }
}
