//! Statistics over many channels, with their standard errors.

use std::fmt;

/// A mean over independent channels with its standard error; or, where a mean means little, median and quartiles.
#[derive(Clone, Copy)]
pub(crate) enum Summary {
    Mean { mean: f64, error: f64 },
    Quartiles([f64; 3]),
}

impl Summary {
    /// The mean, unless a hundredth of the channels makes up half of it: then it is the tale of single events, and so
    /// is its standard error.
    pub(crate) fn new(channels: &[f64]) -> Self {
        let mut ordered = channels.to_vec();
        ordered.sort_by(f64::total_cmp);
        let most = &ordered[ordered.len() - ordered.len().div_ceil(100)..];
        if most.iter().sum::<f64>() > 0.5 * ordered.iter().sum::<f64>() {
            return Self::quartiles(channels);
        }
        let (mean, error) = mean(channels);
        Self::Mean { mean, error }
    }

    pub(crate) fn quartiles(channels: &[f64]) -> Self {
        let mut ordered = channels.to_vec();
        ordered.sort_by(f64::total_cmp);
        Self::Quartiles([1, 2, 3].map(|quarter| ordered[(ordered.len() - 1) * quarter / 4]))
    }

    /// The ratio of the means of two estimators on the same channels, whose common noise it is free of; its standard
    /// error by the delta method.
    pub(crate) fn ratio(above: &[f64], below: &[f64]) -> Self {
        let ratio = above.iter().sum::<f64>() / below.iter().sum::<f64>();
        let scale = below.iter().sum::<f64>() / below.len() as f64;
        let left: Vec<f64> = above.iter().zip(below).map(|(above, below)| (above - ratio * below) / scale).collect();
        Self::Mean { mean: ratio, error: self::mean(&left).1 }
    }
}

/// The mean over independent channels and its standard error.
pub(crate) fn mean(channels: &[f64]) -> (f64, f64) {
    let count = channels.len() as f64;
    let mean = channels.iter().sum::<f64>() / count;
    let variance = channels.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (count - 1.0);
    (mean, (variance / count).sqrt())
}

/// `1.042 ± 0.006`, `(5.52 ± 0.02)e3`; quartiles as `~ 12 [9.1, 25]`.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Mean { mean, error } => {
                let power = if mean < 1e4 { 0 } else { exponent(mean) };
                let (mean, error) = (mean / 10.0_f64.powi(power), error / 10.0_f64.powi(power));
                // One digit of the error, two if the first is a one, and the mean to the same place.
                let first = exponent(error);
                let one = error < 2.0 * 10.0_f64.powi(first);
                let places = usize::try_from(i32::from(one) - first).unwrap_or(0);
                match power {
                    // Whatever is drawn, the estimate is the same.
                    0 if error < 1e-4 => write!(f, "{}", Short(mean)),
                    0 => write!(f, "{mean:.places$} ± {error:.places$}"),
                    _ if error < 1e-4 => write!(f, "{mean:.2}e{power}"),
                    _ => write!(f, "({mean:.places$} ± {error:.places$})e{power}"),
                }
            }
            Self::Quartiles([low, median, high]) => write!(f, "~ {} [{}, {}]", Short(median), Short(low), Short(high)),
        }
    }
}

/// A mean share over independent channels in percent, to a hundredth, with its standard error.
pub(crate) struct Percent {
    mean: f64,
    error: f64,
}

impl Percent {
    pub(crate) fn new(shares: &[f64]) -> Self {
        let (mean, error) = mean(shares);
        Self { mean: 100.0 * mean, error: 100.0 * error }
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mean {
            0.0 => f.write_str("0"),
            ..0.005 => f.write_str("< 0.01"),
            mean if self.error < 0.005 => write!(f, "{mean:.2}"),
            mean => write!(f, "{mean:.2} ± {:.2}", self.error),
        }
    }
}

/// The power of ten of a number.
#[allow(clippy::cast_possible_truncation)] // at most 308
fn exponent(number: f64) -> i32 {
    if number == 0.0 { 0 } else { libm::floor(libm::log10(number)) as i32 }
}

/// A number to three digits, or all of those before the point.
struct Short(f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match exponent(self.0) {
            _ if self.0 == 0.0 => f.write_str("0"),
            4.. => write!(f, "{:.2e}", self.0),
            power => write!(f, "{:.*}", usize::try_from(2 - power).unwrap_or(0), self.0),
        }
    }
}
