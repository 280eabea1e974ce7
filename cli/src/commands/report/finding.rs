//! What was found in a series, in the words of the page.

use super::thresholds::{
    LEAST_REOPENINGS, LEAST_SCORED, LEAST_SKEW, LEAST_STRONG, MOST_FAR, MOST_NEAR, MOST_OUTLIERS, MOST_PASSED,
    MOST_PERSISTENT, MOST_REOPENINGS, MOST_REPEATS, MOST_REPLACED, WHOLE,
};
use crate::text::number::rounded;
use crate::views::tails::percent;
use evenkeel::Resolution;
use std::fmt;

/// Digits of means.
const DIGITS: usize = 4;

/// Something that was found, with the number that it rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Finding {
    Few {
        scored: u64,
    },
    Constant,
    Whole,
    Repeats {
        share: f64,
        step: Option<f64>,
    },
    /// The clean average has left out too much.
    Replaced {
        share: f64,
        means: [f64; 2],
    },
    /// The clean average has left out too much because the series jumps.
    Switches {
        share: f64,
        reopenings: u64,
        samples: u64,
        means: [f64; 2],
    },
    /// The clean average has left out a little.
    LeftOut {
        share: f64,
        means: [f64; 2],
    },
    Contaminated {
        outliers: f64,
    },
    Jumps {
        reopenings: u64,
        returns: u64,
        samples: u64,
    },
    Steps {
        reopenings: u64,
        samples: u64,
    },
    Lags {
        persistence: f64,
    },
    Skewed {
        skew: f64,
    },
    StronglySkewed {
        skew: f64,
    },
    SkewedWithOutliers {
        skew: f64,
        outliers: f64,
        replaced: f64,
    },
    Even {
        skew: f64,
        error: f64,
    },
    /// Outliers pass into the clean average.
    Passed {
        share: f64,
    },
}

/// The words on the page have these numbers in words.
const _: () = assert!(
    LEAST_SCORED == 100
        && MOST_REPEATS == 0.25
        && MOST_REPLACED == 0.125
        && MOST_OUTLIERS == 0.25
        && LEAST_REOPENINGS == 3
        && MOST_REOPENINGS == 0.005
        && MOST_PERSISTENT == 0.9
        && LEAST_SKEW == 0.1
        && LEAST_STRONG == 1.0 / 3.0
        && MOST_NEAR == 0.125
        && MOST_FAR == 0.0625
        && MOST_PASSED == 0.02,
    "the page has other numbers"
);

impl Finding {
    /// The rule in words, for who reads the page.
    pub(super) const RULES: [&str; 9] = [
        "Fewer than 100 scored samples are too few to say anything.",
        "Of a series with one value only, there is nothing to say.",
        "If all values are whole numbers, the resolution is 1, which auto learns.",
        "Otherwise, if more than a quarter of the values equal the one before, the resolution is the step in which they are \
         written, which auto learns, too.",
        "The clean preset is doubtful where more than an eighth of the samples were replaced: a mean without them is no longer \
         the mean of the series, unless they are errors. If its judge was re-opened three times or more, and for more than one \
         in 200 samples, the series jumps between levels. That a mean comes after a series that moves is no harm: it is the mean \
         of the past.",
        "The robust and the mean preset are doubtful where more than a quarter of the samples are outliers; or where there \
         are three re-openings or more, and more than one in 200 samples: if half of them or more lead back to a level where \
         that had happened before, the series jumps between levels, otherwise it moves faster than the memory; or where \
         more than 90% of the residuals have the sign of the one before: the location lags behind.",
        "The octile skew says how much further from the median the highest eighth of the samples begins than the lowest ends, \
         from -1 to 1, outliers of the robust preset aside. Beyond 0.1 and three standard errors, the mean lies in the longer \
         tail, and the clean preset suits the series; beyond a third the mean preset does, if at most an eighth of the samples are \
         outliers of the robust preset and at most a sixteenth were replaced by the clean one.",
        "If the samples are not skewed and more than 2% of them are outliers of the robust preset that pass into the clean \
         average, the robust preset has the least error. Otherwise any preset will do.",
        "If the preset that suits the series is doubtful, the first of clean, robust and mean that is not takes its place. If \
         all are, it is the mean preset where that does no worse than lag behind, because then it leaves nothing out, or \
         else the robust one, which is least led astray.",
    ];

    /// The resolution that is needed, where this one is another.
    pub(super) fn unmet(&self, resolution: Resolution) -> Option<String> {
        let needed = match self {
            Self::Whole => Some(WHOLE),
            Self::Repeats { step, .. } => *step,
            _ => return None,
        };
        match (needed, resolution) {
            (Some(_), Resolution::Learn) => None,
            (Some(needed), Resolution::Step(given)) => (given < needed).then(|| needed.to_string()),
            // Where no step is to be seen, one that was given is better than none.
            (None, Resolution::Step(given)) if given > 0.0 => None,
            (None, _) => Some("X".to_owned()),
        }
    }
}

/// The words on the mean of all samples, and on that of those that were not left out.
fn means([all, others]: [f64; 2]) -> String {
    let [all, others] = [all, others].map(|mean| rounded(mean, DIGITS));
    format!("The mean of all samples is {all}, that of the others {others}.")
}

/// A sentence or two for the reader of the page.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |skew: f64| if skew > 0.0 { "upwards" } else { "downwards" };
        match *self {
            Self::Few { scored } => {
                write!(f, "{scored} scored samples are too few to say anything; {LEAST_SCORED} are needed.")
            }
            Self::Constant => write!(f, "Every sample has the same value: there is nothing to choose."),
            Self::Whole => write!(f, "All values are whole numbers: resolution 1, which auto learns."),
            Self::Repeats { share, step: Some(step) } => write!(
                f,
                "{} of the values equal the one before: they are recorded in steps of {step}, which auto learns.",
                percent(share)
            ),
            Self::Repeats { share, step: None } => write!(
                f,
                "{} of the values equal the one before, and they have no step that auto learns: without a resolution, the \
                 series is taken for a constant, and its changes for outliers. Give the smallest change that matters to you.",
                percent(share)
            ),
            Self::Replaced { share, means: of } => write!(
                f,
                "{} of the samples were replaced, more than an eighth. {} If those that were replaced are errors, the clean \
                 average is right; if they are part of the series, it is not its mean, and a plain average (track --preset ema) \
                 leaves nothing out.",
                percent(share),
                means(of)
            ),
            Self::LeftOut { share, means: of } => {
                write!(f, "{} of the samples were replaced. {}", percent(share), means(of))
            }
            Self::Switches { share, reopenings, samples, means: of } => write!(
                f,
                "The series jumps between levels: the judge of the clean average was re-opened {reopenings} times in {samples} \
                 samples, and {} of them were replaced, more than an eighth. {} A plain average (track --preset ema) leaves \
                 nothing out.",
                percent(share),
                means(of)
            ),
            Self::Contaminated { outliers } => write!(
                f,
                "{} of the samples are outliers, more than a quarter: where they are on one side, the estimate may follow \
                 them. No preset withstands more; a higher --patience helps a little.",
                percent(outliers)
            ),
            Self::Jumps { reopenings, returns, samples } => write!(
                f,
                "The estimate was re-opened {reopenings} times in {samples} samples, {returns} times onto a level where \
                 that had happened before: the series jumps between levels, and one location does not describe it."
            ),
            Self::Steps { reopenings, samples } => write!(
                f,
                "The estimate was re-opened {reopenings} times in {samples} samples, mostly onto new levels: the series \
                 moves in steps or ramps, which a shorter --half-life follows better."
            ),
            Self::Lags { persistence } => write!(
                f,
                "{} of the residuals have the sign of the one before, where noise has about half: the location lags behind \
                 the series. A shorter --half-life follows it closer; a mean of the past is what the clean preset computes.",
                percent(persistence)
            ),
            Self::Skewed { skew } => write!(
                f,
                "The samples are skewed {}: octile skew {skew:.2}, where {LEAST_SKEW} is much. The mean lies in the longer tail, \
                 of which the clean preset leaves out little.",
                side(skew)
            ),
            Self::StronglySkewed { skew } => write!(
                f,
                "The samples are strongly skewed {}: octile skew {skew:.2}. The mean lies far out in the longer tail, of which \
                 the mean preset leaves out least.",
                side(skew)
            ),
            Self::SkewedWithOutliers { skew, outliers, replaced } => write!(
                f,
                "The samples are skewed {} (octile skew {skew:.2}), but {} of them are outliers and {} were replaced, too \
                 many for the mean preset, which would follow them.",
                side(skew),
                percent(outliers),
                percent(replaced)
            ),
            Self::Even { skew, error } if skew.abs() < LEAST_SKEW => write!(
                f,
                "The samples are much alike on both sides: octile skew {skew:.2}, give or take {error:.2}. Any preset will do."
            ),
            Self::Even { skew, error } => write!(
                f,
                "That the samples are skewed may be chance: octile skew {skew:.2}, give or take {error:.2}. Any preset will do."
            ),
            Self::Passed { share } => write!(
                f,
                "{} of the samples are outliers so near that they pass into the clean average. If they are no part of the \
                 series, the robust preset, which leaves them out, has the least error.",
                percent(share)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finding_says_its_number() {
        let (share, means) = (0.29, [3.75, 0.125]);
        let sentences = [
            (Finding::Few { scored: 76 }, "76"),
            (Finding::Repeats { share: 0.8, step: Some(0.01) }, "80.00%"),
            (Finding::Repeats { share: 0.8, step: Some(0.01) }, "0.01"),
            (Finding::Replaced { share, means }, "29.00%"),
            (Finding::Replaced { share, means }, "is 3.75, that of the others 0.125"),
            (Finding::Switches { share, reopenings: 37, samples: 1260, means }, "re-opened 37 times in 1260"),
            (Finding::LeftOut { share, means }, "is 3.75, that of the others 0.125"),
            (Finding::Contaminated { outliers: 0.29 }, "29.00%"),
            (Finding::Jumps { reopenings: 50, returns: 44, samples: 5000 }, "44"),
            (Finding::Steps { reopenings: 50, samples: 5000 }, "50"),
            (Finding::Lags { persistence: 0.97 }, "97.00%"),
            (Finding::Skewed { skew: -0.24 }, "downwards: octile skew -0.24"),
            (Finding::StronglySkewed { skew: 0.44 }, "upwards: octile skew 0.44"),
            (Finding::SkewedWithOutliers { skew: 0.44, outliers: 0.1, replaced: 0.09 }, "9.00%"),
            (Finding::Even { skew: 0.01, error: 0.02 }, "0.01, give or take 0.02"),
            (Finding::Passed { share: 0.03 }, "3.00%"),
        ];
        for (finding, number) in sentences {
            assert!(finding.to_string().contains(number), "{finding}");
        }
    }
}
