//! The tail profile of a series as a row of a table, beside those of Markov's bound and of Gaussian noise.

use evenkeel::TailProfile;

pub(crate) const QUANTILES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];

/// One row of the table of tails.
pub(crate) struct Line {
    pub(crate) name: String,
    /// The number of samples; none for a law.
    pub(crate) samples: Option<u64>,
    /// Shares of samples beyond [`TailProfile::THRESHOLDS`].
    pub(crate) exceedances: Vec<f64>,
    /// Scores at [`QUANTILES`].
    pub(crate) quantiles: Vec<f64>,
}

impl Line {
    pub(crate) fn measured(name: &str, profile: &TailProfile) -> Self {
        let of_samples = |number: f64| if profile.is_empty() { f64::NAN } else { number };
        Self {
            name: name.to_owned(),
            samples: Some(profile.len()),
            exceedances: TailProfile::THRESHOLDS.map(|c| of_samples(profile.exceedance(c))).into(),
            quantiles: QUANTILES.map(|(_, share)| of_samples(profile.quantile(share))).into(),
        }
    }

    /// The rows of Markov's bound and of Gaussian noise.
    pub(crate) fn laws() -> [Self; 2] {
        [Self::of_law("Markov's bound", TailProfile::markov), Self::of_law("Gaussian", TailProfile::gaussian)]
    }

    fn of_law(name: &str, law: impl Fn(f64) -> f64) -> Self {
        Self {
            name: name.to_owned(),
            samples: None,
            exceedances: TailProfile::THRESHOLDS.map(law).into(),
            quantiles: vec![f64::NAN; QUANTILES.len()],
        }
    }

    /// The cells as people read them: the name, and shares in percent.
    pub(crate) fn cells(&self) -> Vec<String> {
        let samples = self.samples.map_or_else(String::new, |samples| samples.to_string());
        let shares = self.exceedances.iter().map(|&share| percent(share));
        let scores =
            self.quantiles.iter().map(|&score| if score.is_nan() { String::new() } else { format!("{score:.2}") });
        [self.name.clone(), samples].into_iter().chain(shares).chain(scores).collect()
    }
}

/// The titles of the columns.
pub(crate) fn titles(name: &str, threshold: impl Fn(f64) -> String) -> Vec<String> {
    let first = [name, "samples"].map(str::to_owned).into_iter();
    let quantiles = QUANTILES.iter().map(|&(title, _)| title.to_owned());
    first.chain(TailProfile::THRESHOLDS.map(threshold)).chain(quantiles).collect()
}

/// A share in percent, with digits enough to see one in a million.
pub(crate) fn percent(share: f64) -> String {
    match share {
        share if share.is_nan() => String::new(),
        0.0 => "0%".to_owned(),
        share if share < 1e-6 => format!("{:.0e}%", 100.0 * share),
        share if share < 1e-3 => format!("{:.4}%", 100.0 * share),
        share => format!("{:.2}%", 100.0 * share),
    }
}
