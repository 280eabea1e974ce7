//! The estimators that people use instead, one channel each, from their definitions and with the memory of a plain
//! average of gain [`ALPHA`]; and a check of each against its definition written without haste.

use crate::ALPHA;

/// An estimator of one channel: takes a sample, gives its location.
pub(crate) trait Peer {
    fn update(&mut self, sample: f64) -> f64;
}

/// The last `N` samples, also in order. While there are fewer it holds those.
struct Window<const N: usize> {
    recent: [f64; N],
    /// The place of the oldest sample in `recent`, once all are there.
    oldest: usize,
    ordered: Vec<f64>,
}

impl<const N: usize> Window<N> {
    fn new() -> Self {
        Self { recent: [0.0; N], oldest: 0, ordered: Vec::with_capacity(N) }
    }

    fn push(&mut self, sample: f64) {
        let old = std::mem::replace(&mut self.recent[self.oldest], sample);
        self.oldest = (self.oldest + 1) % N;
        let mut to = self.ordered.partition_point(|&x| x < sample);
        if self.ordered.len() < N {
            self.ordered.insert(to, sample);
            return;
        }
        // The old one leaves, those between the two places move up, and the new one fills the gap.
        let from = self.ordered.partition_point(|&x| x < old);
        if from < to {
            to -= 1;
            self.ordered.copy_within(from + 1..=to, from);
        } else {
            self.ordered.copy_within(to..from, to + 1);
        }
        self.ordered[to] = sample;
    }

    /// The middle sample; of an even number, as there is only at the start, the lower of the middle two.
    fn median(&self) -> f64 {
        self.ordered[(self.ordered.len() - 1) / 2]
    }

    /// The median of the distances from the median. In order those to the left of it and those to the right grow
    /// outwards, so that taking the smaller of the next two, again and again, meets them all in order.
    fn median_distance(&self) -> f64 {
        let middle = (self.ordered.len() - 1) / 2;
        let median = self.ordered[middle];
        let (mut left, mut right, mut distance) = (middle, middle, 0.0);
        for _ in 0..middle {
            let below = if left > 0 { median - self.ordered[left - 1] } else { f64::INFINITY };
            let above = self.ordered.get(right + 1).map_or(f64::INFINITY, |x| x - median);
            if below < above {
                (left, distance) = (left - 1, below);
            } else {
                (right, distance) = (right + 1, above);
            }
        }
        distance
    }
}

/// A median absolute distance of Gaussian samples times this is their sigma.
const TO_SIGMA: f64 = 1.4826;

/// The median of the last 199 samples: as many as make a plain mean as noisy as the plain average with gain 0.01, and
/// as late, 99 samples.
pub(crate) struct RollingMedian(Window<199>);

impl RollingMedian {
    pub(crate) fn new() -> Self {
        Self(Window::new())
    }
}

impl Peer for RollingMedian {
    fn update(&mut self, sample: f64) -> f64 {
        self.0.push(sample);
        self.0.median()
    }
}

/// Hampel's identifier, then the plain average, bias-corrected: a sample further than three sigma from the median of
/// the last 15, of which it is one, is replaced by that median. Sigma is their median distance from it times 1.4826.
/// There is no looking ahead.
pub(crate) struct HampelFilter {
    window: Window<15>,
    average: f64,
    weight: f64,
}

impl HampelFilter {
    pub(crate) fn new() -> Self {
        Self { window: Window::new(), average: 0.0, weight: 0.0 }
    }

    fn filter(&mut self, sample: f64) -> f64 {
        self.window.push(sample);
        let median = self.window.median();
        let limit = 3.0 * TO_SIGMA * self.window.median_distance();
        if (sample - median).abs() > limit { median } else { sample }
    }
}

impl Peer for HampelFilter {
    fn update(&mut self, sample: f64) -> f64 {
        let filtered = self.filter(sample);
        self.weight += ALPHA * (1.0 - self.weight);
        self.average += ALPHA / self.weight * (filtered - self.average);
        self.average
    }
}

/// The stochastic median, Robbins and Monro's approximation with a constant gain:
///
/// ```text
/// m += eta s sign(x - m)              the sign of zero is zero
/// s *= exp(alpha sign(|x - m| - s))   the same for the median distance, with m before its step; at least 1e-9
/// eta = alpha 1.4826 sqrt(pi / 2)     with which m follows Gaussian noise as fast as the plain average does with alpha
/// ```
///
/// The step cannot be a constant: nobody knows sigma. `m` and `s` start as median and median distance of 15 samples.
pub(crate) struct StochasticMedian {
    start: Window<15>,
    median: f64,
    distance: f64,
    wider: f64,
    narrower: f64,
}

impl StochasticMedian {
    const STEP: f64 = ALPHA * TO_SIGMA * 1.253_314_137_315_500_3;
    const LEAST: f64 = 1e-9;

    pub(crate) fn new() -> Self {
        let (wider, narrower) = (libm::exp(ALPHA), libm::exp(-ALPHA));
        Self { start: Window::new(), median: 0.0, distance: 0.0, wider, narrower }
    }
}

impl Peer for StochasticMedian {
    fn update(&mut self, sample: f64) -> f64 {
        if self.start.ordered.len() < 15 {
            self.start.push(sample);
            self.median = self.start.median();
            self.distance = self.start.median_distance().max(Self::LEAST);
            return self.median;
        }
        let residual = sample - self.median;
        let step = Self::STEP * self.distance;
        if residual > 0.0 {
            self.median += step;
        } else if residual < 0.0 {
            self.median -= step;
        }
        if residual.abs() > self.distance {
            self.distance *= self.wider;
        } else if residual.abs() < self.distance {
            self.distance = (self.distance * self.narrower).max(Self::LEAST);
        }
        self.median
    }
}

/// Stops the program unless the peers compute what they are called.
pub(crate) fn check(samples: &[f64]) {
    fn median(mut samples: Vec<f64>) -> f64 {
        samples.sort_by(f64::total_cmp);
        samples[(samples.len() - 1) / 2]
    }
    let (mut rolling, mut hampel) = (RollingMedian::new(), HampelFilter::new());
    for (last, &sample) in samples.iter().enumerate() {
        let window = |length: usize| samples[(last + 1).saturating_sub(length)..=last].to_vec();
        assert_eq!(rolling.update(sample), median(window(199)), "the rolling median of sample {last}");
        let middle = median(window(15));
        let distance = median(window(15).iter().map(|x| (x - middle).abs()).collect());
        let outlier = (sample - middle).abs() > 3.0 * TO_SIGMA * distance;
        assert_eq!(hampel.filter(sample), if outlier { middle } else { sample }, "Hampel's filter of sample {last}");
    }
    // Median 0 and median distance 1 of the first fifteen, then up by a step of one, and the distance up and down.
    let mut stochastic = StochasticMedian::new();
    for sample in [0.0, 1.0, -1.0].into_iter().cycle().take(15) {
        stochastic.update(sample);
    }
    assert_eq!((stochastic.median, stochastic.distance), (0.0, 1.0));
    assert_eq!(stochastic.update(1e9), StochasticMedian::STEP);
    assert_eq!(stochastic.distance, stochastic.wider);
    assert_eq!(stochastic.update(StochasticMedian::STEP), StochasticMedian::STEP);
    assert_eq!(stochastic.distance, stochastic.wider * stochastic.narrower);
}
