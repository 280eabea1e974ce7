//! Counts of samples, for the summary, a report and the screen.

use evenkeel::Update;

/// Counts of one series, or of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Samples that were there.
    pub(crate) samples: u64,
    pub(crate) missing: u64,
    pub(crate) outliers: u64,
    pub(crate) reopenings: u64,
}

impl Tally {
    /// Counts one more sample. It is missing, too, if it is an infinity where a series was to begin.
    #[inline]
    pub(crate) fn add(&mut self, update: &Update<f64>) {
        if update.accepted {
            self.samples += 1;
        } else {
            self.missing += 1;
        }
        self.outliers += u64::from(update.outlier);
        self.reopenings += u64::from(update.reopened);
    }

    /// Adds what another tally has counted.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.samples += other.samples;
        self.missing += other.missing;
        self.outliers += other.outliers;
        self.reopenings += other.reopenings;
    }
}
