//! The numbers of the rule by which settings suit a series: see [`Advice`](super::advice::Advice).

/// Least scored samples that can be judged by.
pub(super) const LEAST_SCORED: u64 = 100;
/// The step of whole numbers.
pub(super) const WHOLE: f64 = 1.0;
/// Most samples that equal the one before, as a share. As often do independent samples that have one value half the
/// time, which is what collapses a scale. In a series without that, values that are so coarse are no worse off with a
/// resolution.
pub(super) const MOST_REPEATS: f64 = 0.25;
/// Most samples that a clean average may stand for without having averaged them, as a share.
pub(super) const MOST_REPLACED: f64 = 1.0 / 8.0;
/// Most outliers of a location that is not doubtful, as a share of the samples.
pub(super) const MOST_OUTLIERS: f64 = 0.25;
/// Least re-openings of a series that jumps or moves.
pub(super) const LEAST_REOPENINGS: u64 = 3;
/// Most re-openings of a series that does neither, as a share of the samples.
pub(super) const MOST_REOPENINGS: f64 = 1.0 / 200.0;
/// Most residuals with the sign of the one before, as a share, where the location does not lag behind.
pub(super) const MOST_PERSISTENT: f64 = 0.9;
/// Least octile skew of a skewed series.
pub(super) const LEAST_SKEW: f64 = 0.1;
/// Least octile skew of a strongly skewed series.
pub(super) const LEAST_STRONG: f64 = 1.0 / 3.0;
/// Most outliers of the robust preset, as a share, that the mean preset may follow.
pub(super) const MOST_NEAR: f64 = 1.0 / 8.0;
/// Most samples that the clean preset replaces, as a share, that the mean preset may follow.
pub(super) const MOST_FAR: f64 = 1.0 / 16.0;
/// Least samples left out that are worth a word, as a share.
pub(super) const LEAST_LEFT_OUT: f64 = 0.01;
/// Most outliers that may pass into the clean average, as a share.
pub(super) const MOST_PASSED: f64 = 1.0 / 50.0;
