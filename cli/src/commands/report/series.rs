//! A series as it is when the input has ended, and which series come first.

use super::advice::Advice;
use super::events::{Largest, Last};
use super::evidence::Evidence;
use crate::engine::tally::Tally;
use crate::settings::Preset;
use crate::text::quote::shortened;
use evenkeel::{Resolution, TailProfile};

/// Most letters of a name.
const MOST_LETTERS: usize = 200;

/// One series.
pub(super) struct Series {
    pub(super) name: String,
    pub(super) tally: Tally,
    pub(super) location: f64,
    pub(super) scale: f64,
    /// The details; none for a series that is only counted.
    pub(super) detail: Option<Box<Detail>>,
}

/// Measures and events of a series that is examined.
pub(super) struct Detail {
    pub(super) evidence: Evidence,
    /// The profile of the run's scores.
    pub(super) tail: TailProfile,
    pub(super) outliers: Largest,
    pub(super) reopenings: Last,
}

impl Series {
    /// A series without samples; one that is examined if it comes with evidence.
    pub(super) fn new(name: &str, evidence: Option<Evidence>) -> Self {
        let detail = |evidence| Detail {
            evidence,
            tail: TailProfile::new(),
            outliers: Largest::default(),
            reopenings: Last::default(),
        };
        Self {
            name: shortened(name, MOST_LETTERS),
            tally: Tally::default(),
            location: f64::NAN,
            scale: f64::NAN,
            detail: evidence.map(detail).map(Box::new),
        }
    }

    /// The share of outliers among the samples; 0 where there is none.
    pub(super) fn outlier_share(&self) -> f64 {
        self.tally.outliers as f64 / self.tally.samples.max(1) as f64
    }
}

/// A series in its place on the page.
pub(super) struct Ranked<'a> {
    /// The number of the series in the input, from 0.
    pub(super) index: usize,
    pub(super) series: &'a Series,
    /// The details; none for a series that is only counted.
    pub(super) advice: Option<Advice>,
}

/// All series, those first that most deserve attention: by standing, and then by their share of outliers.
pub(super) fn ranked(series: &[Series], preset: Preset, resolution: Resolution) -> Vec<Ranked<'_>> {
    let advise = |detail: &Detail| Advice::of(&detail.evidence, preset, resolution);
    let mut ranked: Vec<Ranked> = (0..)
        .zip(series)
        .map(|(index, series)| Ranked { index, series, advice: series.detail.as_deref().map(advise) })
        .collect();
    // A series that was only counted comes after all else. The sort leaves equals in the order of the input.
    let place = |ranked: &Ranked| ranked.advice.as_ref().map_or(u8::MAX, |advice| advice.standing as u8);
    ranked.sort_by(|one, other| {
        let share = other.series.outlier_share().total_cmp(&one.series.outlier_share());
        place(one).cmp(&place(other)).then(share)
    });
    ranked
}
