//! What each peer is held to before it is timed: plain loops over one channel.
//!
//! The loop of `RobustMean` and that of the bias-corrected average are the oracles that the library's own tests use.

use crate::lane::Lane;
use crate::oracle::{EmaSpec, Parameters, Spec, State};
use evenkeel::Real;

/// The gain of every average here; yata wants it as a length, 2 / 0.05 - 1 = 39.
pub(crate) const ALPHA: f64 = 0.05;
/// The window of every rolling median, whose efficiency is about that of an average of gain 0.01.
pub(crate) const WINDOW: usize = 199;
/// A window of a Hampel identifier that sorts at every sample, as its users choose one.
pub(crate) const SHORT_WINDOW: usize = 25;
/// Standard deviations from the median of the window beyond which a Hampel identifier replaces a sample.
pub(crate) const HAMPEL_WIDTH: f64 = 3.0;

/// What a peer computes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Definition {
    /// evenkeel's robust location, to the bit.
    RobustMean,
    /// The exponential average from zero, bias-corrected: what pandas and polars call adjusted.
    Corrected,
    /// The exponential average that starts at the first sample.
    FromFirst,
    /// An exponential average behind a clip at three running mean deviations.
    Clip,
    /// The median of the last [`WINDOW`] samples.
    RollingMedian,
    /// The last sample, or the median of the last [`WINDOW`] if it is an outlier among them.
    Hampel,
    /// The Hampel filter over the last [`SHORT_WINDOW`].
    HampelShort,
    /// An approximation of the median of everything so far.
    MedianOfAll,
}

impl Definition {
    /// What the estimate must be after these samples; `None` where the definition leaves it open.
    fn expected<T: Lane>(self, samples: &[T]) -> Option<f64> {
        let wide = || samples.iter().map(|&x| Real::to_f64(x));
        let settled = samples.len() >= WINDOW;
        match self {
            Self::RobustMean => {
                let spec = Spec::new(&Parameters::new(ALPHA));
                Some(Real::to_f64(spec.run(State::unseen(), samples.iter().copied()).location))
            }
            Self::Corrected => {
                let spec = EmaSpec::<f64>::new(ALPHA);
                let state = wide().fold(EmaSpec::unseen(), |state, x| spec.step(&state, x));
                // In a long series beta^t is zero, and its count beyond what the formula takes.
                Some(if state.t > 10_000 { state.m } else { spec.m_hat(&state) })
            }
            Self::FromFirst => wide().reduce(|mean, x| mean + ALPHA * (x - mean)),
            Self::Clip => {
                let first = wide().next()?;
                let (mean, _) = wide().fold((first, 1.0), |(mean, scale), x| clip(mean, scale, x));
                Some(mean)
            }
            Self::RollingMedian => settled.then(|| median(wide().skip(samples.len() - WINDOW).collect())),
            Self::Hampel => settled.then(|| hampel(wide().skip(samples.len() - WINDOW).collect())),
            Self::HampelShort => settled.then(|| hampel(wide().skip(samples.len() - SHORT_WINDOW).collect())),
            Self::MedianOfAll => settled.then(|| median(wide().collect())),
        }
    }

    /// How far the estimate may be from that.
    fn tolerance<T: Lane>(self, expected: f64) -> f64 {
        match self {
            Self::RobustMean | Self::RollingMedian | Self::Hampel | Self::HampelShort => 0.0,
            // A clip that binds in one precision and not in the other differs by more than a rounding, though not by
            // much.
            Self::Clip => 10.0 * T::TOLERANCE * expected.abs(),
            Self::Corrected | Self::FromFirst => T::TOLERANCE * expected.abs(),
            // A third of a standard deviation: it is an approximation.
            Self::MedianOfAll => 0.3,
        }
    }

    /// An error that says how an estimate differs from the plain loop's over the same samples.
    pub(crate) fn check<T: Lane>(self, samples: &[T], estimate: f64) -> Result<(), String> {
        let Some(expected) = self.expected(samples) else { return Ok(()) };
        let close = (estimate - expected).abs() <= self.tolerance::<T>(expected);
        // A NaN is not close.
        if close {
            Ok(())
        } else {
            Err(format!("{estimate} after {} samples; a plain loop has {expected}", samples.len()))
        }
    }
}

/// One step of the clipped average.
fn clip(mean: f64, scale: f64, x: f64) -> (f64, f64) {
    let step = (x - mean).clamp(-3.0 * scale, 3.0 * scale);
    (mean + ALPHA * step, scale + ALPHA * (step.abs() - scale))
}

/// The last sample of a window, or its median where that is more than [`HAMPEL_WIDTH`] standard deviations away, of which
/// one is 1.4826 medians of the distances from the median.
fn hampel(window: Vec<f64>) -> f64 {
    let last = window[window.len() - 1];
    let centre = median(window.clone());
    let deviation = 1.4826 * median(window.into_iter().map(|x| (x - centre).abs()).collect());
    if (last - centre).abs() <= HAMPEL_WIDTH * deviation { last } else { centre }
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    let half = samples.len() / 2;
    if samples.len() % 2 == 1 { samples[half] } else { f64::midpoint(samples[half - 1], samples[half]) }
}
