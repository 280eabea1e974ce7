//! Numbers, samples and rows out of the fuzzer's bytes.
//!
//! A byte goes a long way here: most bytes are a whole sample, and some are a whole row. A fuzzer that had to spell every
//! sample as eight bytes would never see a channel of full age. Where the bytes end, everything drawn is zero.

use crate::oracle::Float;
use crate::random::Random;
use arbitrary::Unstructured;

pub(crate) struct Draw<'a> {
    bytes: Unstructured<'a>,
    /// What an ordinary sample lies about, and how far from it.
    level: f64,
    width: f64,
}

/// What a channel believes, so that samples can be put exactly on its thresholds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Belief<T> {
    pub(crate) location: T,
    pub(crate) scale: T,
}

impl<'a> Draw<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes: Unstructured::new(bytes), level: 10.0, width: 1.0 }
    }

    /// Whether the bytes have ended.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.bytes.arbitrary().unwrap_or(0)
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// From 0 to `bound - 1`, for bounds up to 256.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound
    }

    pub(crate) fn one_of<X: Copy>(&mut self, choices: &[X]) -> X {
        choices[self.below(choices.len())]
    }

    /// A parameter: a likely one, a power of two, or any `f64` at all.
    pub(crate) fn number(&mut self, likely: &[f64]) -> f64 {
        match self.byte() {
            byte @ 0..=159 => likely[usize::from(byte) % likely.len()],
            byte @ 160..=223 => libm::exp2((f64::from(byte) - 192.0) / 2.0),
            _ => f64::from_bits(self.bytes.arbitrary().unwrap_or(0)),
        }
    }

    /// A source of noise, whose seed is a byte.
    pub(crate) fn random(&mut self) -> Random {
        Random::new(self.byte().into())
    }

    /// Any bits.
    fn raw<T: Float>(&mut self) -> T {
        T::from_word(self.bytes.arbitrary().unwrap_or(0))
    }

    /// One sample. `multiples` are the numbers of scales at which something changes.
    pub(crate) fn sample<T: Float>(&mut self, belief: Belief<T>, multiples: &[f64]) -> T {
        let byte = self.byte();
        let (kind, negative) = (byte & 0x7F, byte >= 0x80);
        let signed = |size: f64| if negative { -size } else { size };
        let either = |size: T| if negative { -size } else { size };
        match kind {
            0..=63 => T::from_f64(self.level + signed(self.width * f64::from(kind) / 16.0)),
            64..=87 => {
                let kind = usize::from(kind - 64);
                let multiple = T::from_f64(multiples[kind / 3 % multiples.len()]);
                let at = belief.location + either(multiple * belief.scale);
                // On the threshold as far as rounding lets it, or a unit in the last place to either side.
                match kind % 3 {
                    1 if at.finite() => T::from_word(at.to_word() + 1),
                    2 if at.finite() && at != T::ZERO => T::from_word(at.to_word() - 1),
                    _ => at,
                }
            }
            88..=103 => either(special(kind - 88)),
            104..=112 => self.raw(),
            113 | 114 => {
                let level = f64::from(self.raw::<f32>());
                self.level = if level.is_finite() { level } else { 0.0 };
                T::from_f64(level)
            }
            115 | 116 => {
                let exponent = f64::from(self.byte()) - 128.0;
                self.width = libm::exp2(exponent / 4.0);
                T::from_f64(self.level)
            }
            117..=119 => {
                self.level += signed(self.width * f64::from(self.byte()));
                T::from_f64(self.level)
            }
            120..=122 => T::from_f64(self.level + signed(self.width * 1e6)),
            123 => belief.location,
            _ => T::NAN,
        }
    }

    /// One sample per channel.
    ///
    /// The weather is common to all channels as often as not: whole vectors must be calm at times, and whole vectors struck.
    pub(crate) fn row<T: Float>(&mut self, beliefs: &[Belief<T>], multiples: &[f64]) -> Vec<T> {
        let none = Belief { location: T::NAN, scale: T::NAN };
        let first = beliefs.first().copied().unwrap_or(none);
        match self.below(8) {
            0 => vec![self.sample(first, multiples); beliefs.len()],
            1 | 2 => beliefs.iter().map(|&belief| self.sample(belief, multiples)).collect(),
            3 => {
                // Calm but for one channel.
                let mut row = self.noise(beliefs.len());
                let which = self.below(256);
                if let Some(slot) = row.get_mut(which % beliefs.len().max(1)) {
                    *slot = self.sample(first, multiples);
                }
                row
            }
            4 => {
                // Every channel on the same threshold of its own.
                let byte = self.byte();
                let (level, width) = (self.level, self.width);
                let alike =
                    |&belief| Draw { bytes: Unstructured::new(&[byte]), level, width }.sample(belief, multiples);
                beliefs.iter().map(alike).collect()
            }
            _ => self.noise(beliefs.len()),
        }
    }

    fn noise<T: Float>(&mut self, channels: usize) -> Vec<T> {
        let mut random = self.random();
        (0..channels).map(|_| T::from_f64(self.level + self.width * random.gauss())).collect()
    }
}

/// Samples of the worst kinds, of 16.
fn special<T: Float>(kind: u8) -> T {
    match kind {
        0 => T::ZERO,
        1 => T::INFINITY,
        2 => T::LARGEST,
        3 => T::LARGEST / T::from_f64(2.0),
        4 => T::LARGEST / T::from_f64(3.0),
        5 => T::SUBNORMAL,
        6 => T::from_word(1),
        7 => T::from_word(T::SUBNORMAL.to_word() + 1),
        8 => T::ONE,
        9 => T::from_f64(1e30),
        10 => T::from_f64(1e-30),
        11 => T::from_word((T::LARGEST / T::from_f64(2.0)).to_word() + 1),
        12 => T::LARGEST.root(),
        13 => T::from_word(T::SUBNORMAL.to_word() + 1).root(),
        14 => T::from_f64(1e6),
        _ => T::from_f64(0.1),
    }
}
