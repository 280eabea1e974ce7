//! The estimators that are compared, each over a row of channels.

use crate::ALPHA;
use crate::peers::{HampelFilter, Peer, RollingMedian, StochasticMedian};
use evenkeel::{Bank, CleanedEma, ClippedEma, Decay, Ema, Estimator, Resolution, RobustMean, Threads};

/// The heads of the columns.
pub(crate) const NAMES: [&str; 8] = [
    "plain average",
    "clipped about zero",
    "**`RobustMean`**",
    "mean-faithful",
    "**`CleanedEma`**",
    "rolling median, 199",
    "Hampel filter, average",
    "stochastic median",
];

/// The column of the plain average.
pub(crate) const PLAIN: usize = 0;
/// The columns of this library's robust estimators.
pub(crate) const OURS: std::ops::Range<usize> = 2..5;
/// The columns of the estimators that one sample can move without bound.
pub(crate) const UNBOUNDED: [usize; 2] = [0, 1];

/// The mean slope of the psi under Gaussian residuals, clipped at 2.5 and at 4 scales: mostly the part of them that the
/// clip leaves alone. A robust mean of gain `alpha` follows Gaussian noise as fast as a plain average of gain `alpha`
/// times that slope; over it, both are of one memory.
const SLOPE: f64 = 0.925;
const SLOPE_FAITHFUL: f64 = 0.9965;

/// Takes a row of samples, gives the locations.
pub(crate) trait Contestant {
    fn update(&mut self, row: &[f64], locations: &mut [f64]);
}

impl<R: Estimator> Contestant for Bank<R> {
    fn update(&mut self, row: &[f64], locations: &mut [f64]) {
        Bank::update(self, row).unwrap();
        for (location, reading) in locations.iter_mut().zip(self.readings()) {
            *location = reading.location;
        }
    }
}

impl<P: Peer> Contestant for Vec<P> {
    fn update(&mut self, row: &[f64], locations: &mut [f64]) {
        for ((peer, &sample), location) in self.iter_mut().zip(row).zip(locations) {
            *location = peer.update(sample);
        }
    }
}

/// One of each, in the order of [`NAMES`], with nothing seen.
pub(crate) fn all(channels: usize, resolution: Resolution) -> [Box<dyn Contestant>; NAMES.len()] {
    let robust = |slope| RobustMean::new(gain(ALPHA / slope)).resolution(resolution).unwrap();
    [
        library(Ema::new(gain(ALPHA)), channels),
        // The clip as the numerator has it: 4 running means of |x|, which contain the sample.
        library(ClippedEma::new(gain(ALPHA)).scale_decay(gain(ALPHA)), channels),
        library(robust(SLOPE), channels),
        library(robust(SLOPE_FAITHFUL).mean_faithful(), channels),
        library(CleanedEma::new(gain(ALPHA)).resolution(resolution).unwrap(), channels),
        peers(RollingMedian::new, channels),
        peers(HampelFilter::new, channels),
        peers(StochasticMedian::new, channels),
    ]
}

/// A row of the table of real series: one channel, all of gain [`ALPHA`] as it is.
pub(crate) struct RealRow {
    pub(crate) name: &'static str,
    pub(crate) new: fn() -> Box<dyn Contestant>,
    /// Whether it is one of this library's robust estimators.
    pub(crate) ours: bool,
    /// Whether it is given the series without spikes.
    pub(crate) clean: bool,
}

impl RealRow {
    pub(crate) fn all() -> Vec<Self> {
        let peer = |name, new| Self { name, new, ours: false, clean: false };
        let ours = |name, new| Self { ours: true, ..peer(name, new) };
        vec![
            peer("plain average", || library(Ema::new(gain(ALPHA)), 1)),
            peer("rolling median, 199", || peers(RollingMedian::new, 1)),
            peer("Hampel filter, average", || peers(HampelFilter::new, 1)),
            ours("**`RobustMean`**", || library(RobustMean::new(gain(ALPHA)), 1)),
            ours("mean-faithful", || library(RobustMean::new(gain(ALPHA)).mean_faithful(), 1)),
            ours("**`CleanedEma`**", || library(CleanedEma::new(gain(ALPHA)), 1)),
            ours("`CleanedEma`, resolution learnt", || {
                library(CleanedEma::new(gain(ALPHA)).resolution(Resolution::Learn).unwrap(), 1)
            }),
            Self { clean: true, ..peer("plain average of the clean series", || library(Ema::new(gain(ALPHA)), 1)) },
        ]
    }
}

fn gain(alpha: f64) -> Decay {
    Decay::alpha(alpha).unwrap()
}

fn library<R: Estimator>(rule: R, channels: usize) -> Box<dyn Contestant> {
    Box::new(Bank::<R>::new(rule, channels).unwrap().with_threads(Threads::One))
}

fn peers<P: Peer + 'static>(new: fn() -> P, channels: usize) -> Box<dyn Contestant> {
    Box::new((0..channels).map(|_| new()).collect::<Vec<P>>())
}
