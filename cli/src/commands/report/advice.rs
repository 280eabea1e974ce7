//! Which preset and resolution suit a series, by a rule that can be read here and looked up on the page.
//!
//! First, what can be said at all:
//!
//! | found | then |
//! |---|---|
//! | fewer than [`LEAST_SCORED`] scored samples | too few; the end |
//! | one value only | nothing to choose; the end |
//! | all values are whole numbers | resolution 1, which `auto` learns |
//! | otherwise, more than [`MOST_REPEATS`] of the samples equal the one before | the resolution is the step that `auto` learns. Where there is none, it is the smallest change that matters to whoever owns the series, and nothing else can be said: the scale has collapsed onto the value that is repeated; the end |
//!
//! Then, what makes a preset doubtful. A mean is harmed by samples that are left out of it and belong to it, and by nothing else:
//! that it comes after a moving series is what a mean of the past is. A location is to be where the series is.
//!
//! | preset | found with it | then |
//! |---|---|---|
//! | `clean` | more than [`MOST_REPLACED`] of the samples are replaced | doubtful: level jumps, if its judge was re-opened [`LEAST_REOPENINGS`] times or more, and for more than [`MOST_REOPENINGS`] of the samples; or else a part of the series |
//! | `robust`, `mean` | more than [`MOST_OUTLIERS`] of the samples are outliers | doubtful: no preset withstands more on one side |
//! | `robust`, `mean` | [`LEAST_REOPENINGS`] or more re-openings, more than [`MOST_REOPENINGS`] of the samples | doubtful: level jumps, if at least half lead back to a level where the estimate had been re-opened before, or else moves that the memory is too long for |
//! | `robust`, `mean` | more than [`MOST_PERSISTENT`] of the residuals have the sign of the one before | doubtful: the series moves faster than the memory |
//!
//! Then, which preset has the least error for what the samples are like:
//!
//! | the octile skew of what is no outlier of `robust` | then |
//! |---|---|
//! | beyond [`LEAST_SKEW`] and three standard errors | `clean`, or `mean` if it is beyond [`LEAST_STRONG`], at most [`MOST_NEAR`] are outliers of `robust` and at most [`MOST_FAR`] are replaced by `clean` |
//! | not so, and more than [`MOST_PASSED`] of the samples are outliers of `robust` that `clean` does not replace | `robust` |
//! | everything else | any preset will do: `clean` |
//!
//! What suits the series is that preset if it is not doubtful, or else the first of `clean`, `robust` and `mean` that is not. If
//! all are, it is `mean` where that does no worse than lag, because then it leaves nothing out, or else `robust`, which is least
//! led astray.
//!
//! Where the numbers come from: mean squared errors of the presets on series of known truth. The errors of `clean` and `mean`
//! against the mean of skewed samples are those of a plain average at an octile skew of 0.1 and up to 0.3 (a lognormal of 0.5),
//! where `robust` has 2.5 times as much; at 0.4 and beyond (exponential) `mean` has a sixth less than `clean`. Of 5% at 6
//! sigma `clean` lets so many pass that it has eight times the error of `robust`, of 2% at 5 sigma twice. Two levels in turn, 20
//! samples each, make `clean` replace 43% of the samples, and give it three times the error of a plain average; with 90
//! samples each, it replaces 10% and has a tenth more. What is lost beyond a quarter is in `docs/ACCURACY.md`.

use super::evidence::Evidence;
use crate::settings::Preset;
use crate::text::number::rounded;
use crate::views::tails::percent;
use evenkeel::Resolution;
use std::fmt;

/// Least scored samples that say anything.
pub(super) const LEAST_SCORED: u64 = 100;
/// The step of whole numbers.
const WHOLE: f64 = 1.0;
/// Most samples that equal the one before. As often do independent samples that have one value half the time, which is what
/// collapses a scale. In a series without that, values that are so coarse are no worse off with a resolution.
const MOST_REPEATS: f64 = 0.25;
/// Most samples that a clean average may stand for without having averaged them.
const MOST_REPLACED: f64 = 1.0 / 8.0;
const MOST_OUTLIERS: f64 = 0.25;
const LEAST_REOPENINGS: u64 = 3;
const MOST_REOPENINGS: f64 = 1.0 / 200.0;
const MOST_PERSISTENT: f64 = 0.9;
const LEAST_SKEW: f64 = 0.1;
const LEAST_STRONG: f64 = 1.0 / 3.0;
const MOST_NEAR: f64 = 1.0 / 8.0;
const MOST_FAR: f64 = 1.0 / 16.0;
/// Least samples left out that are worth a word.
const LEAST_LEFT_OUT: f64 = 0.01;
/// Most outliers that may pass into the clean average.
const MOST_PASSED: f64 = 1.0 / 50.0;
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
    /// It has done so because the series jumps.
    Switches {
        share: f64,
        reopenings: u64,
        samples: u64,
        means: [f64; 2],
    },
    /// It has left out a little.
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

/// How much a series deserves attention: the later, the less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// What was found makes the estimates doubtful.
    Doubtful,
    /// Other settings than those of this run suit it better.
    Other,
    Fine,
    TooFew,
}

/// What suits a series, and why.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Advice {
    /// Nothing where that cannot be said, or does not matter.
    pub(super) preset: Option<Preset>,
    /// Whether that is doubtful, too, and no preset is not.
    pub(super) is_makeshift: bool,
    /// Nothing where that of the run will do.
    pub(super) resolution: Option<String>,
    pub(super) findings: Vec<Finding>,
    pub(super) standing: Standing,
}

impl Advice {
    /// Applies the rule, for a run with these settings.
    pub(super) fn of(evidence: &Evidence, run: Preset, resolution: Resolution) -> Self {
        let (mut findings, is_readable) = values(evidence);
        let (mut preset, mut is_makeshift, mut is_doubtful) = (None, false, false);
        if is_readable {
            let found = doubts(evidence, run);
            is_doubtful = !found.is_empty();
            findings.extend(found);
            let (found, best) = shape(evidence);
            let is_good = |preset: &Preset| doubts(evidence, *preset).is_empty();
            // Where any will do, that of the run will.
            let order = [best.unwrap_or(run), Preset::Clean, Preset::Robust, Preset::Mean];
            let good = order.into_iter().find(is_good);
            is_makeshift = good.is_none();
            // A location that does no worse than lag leaves nothing out.
            let only_lags = doubts(evidence, Preset::Mean).iter().all(|doubt| matches!(doubt, Finding::Lags { .. }));
            preset = good.or(Some(if only_lags { Preset::Mean } else { Preset::Robust }));
            // What the samples are like is beside the point where it has not decided.
            let is_decisive = best.map_or(!is_doubtful, |best| Some(best) == preset);
            findings.extend(found.filter(|_| is_decisive));
            let share = evidence.outliers(Preset::Clean);
            if run == Preset::Clean && !is_doubtful && share >= LEAST_LEFT_OUT {
                findings.push(Finding::LeftOut { share, means: evidence.means() });
            }
        }
        let unmet = findings.iter().find_map(|finding| finding.unmet(resolution));
        let standing = match findings.first() {
            Some(Finding::Few { .. }) => Standing::TooFew,
            _ if is_doubtful => Standing::Doubtful,
            _ if unmet.is_some() || preset.is_some_and(|preset| preset != run) => Standing::Other,
            _ => Standing::Fine,
        };
        Self { preset, is_makeshift, resolution: unmet, findings, standing }
    }

    /// The settings as the command line takes them; nothing where there is nothing to set.
    pub(super) fn settings(&self) -> String {
        let preset = self.preset.map(|preset| format!("--preset {preset}"));
        let resolution = self.resolution.as_ref().map(|step| format!("--resolution {step}"));
        [preset, resolution].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// The same without the names of the options.
    pub(super) fn short(&self) -> String {
        let preset = self.preset.map(|preset| preset.to_string());
        [preset, self.resolution.clone()].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// What the values are, and whether scores mean anything.
fn values(evidence: &Evidence) -> (Vec<Finding>, bool) {
    let scored = evidence.scored();
    if scored < LEAST_SCORED {
        return (vec![Finding::Few { scored }], false);
    }
    if evidence.is_constant() {
        return (vec![Finding::Constant], false);
    }
    let (share, step) = (evidence.repeats(), evidence.step());
    if step == Some(WHOLE) {
        return (vec![Finding::Whole], true);
    }
    if share <= MOST_REPEATS {
        return (Vec::new(), true);
    }
    // Without a step the scale has collapsed onto the value that is repeated: what it calls an outlier is none.
    (vec![Finding::Repeats { share, step }], step.is_some())
}

/// What makes a preset doubtful.
fn doubts(evidence: &Evidence, preset: Preset) -> Vec<Finding> {
    let samples = evidence.samples();
    let share = evidence.outliers(preset);
    let (reopenings, returns) = evidence.reopenings(preset);
    let is_jumping = reopenings >= LEAST_REOPENINGS && reopenings as f64 > MOST_REOPENINGS * samples as f64;
    if preset == Preset::Clean {
        let means = evidence.means();
        return match share > MOST_REPLACED {
            true if is_jumping => vec![Finding::Switches { share, reopenings, samples, means }],
            true => vec![Finding::Replaced { share, means }],
            false => Vec::new(),
        };
    }
    let mut found = Vec::new();
    if share > MOST_OUTLIERS {
        found.push(Finding::Contaminated { outliers: share });
    }
    if is_jumping {
        found.push(if 2 * returns >= reopenings {
            Finding::Jumps { reopenings, returns, samples }
        } else {
            Finding::Steps { reopenings, samples }
        });
    }
    if let Some(persistence) = evidence.persistence().filter(|persistence| *persistence > MOST_PERSISTENT) {
        found.push(Finding::Lags { persistence });
    }
    found
}

/// What the samples are like, and the preset with the least error then; none where any will do.
fn shape(evidence: &Evidence) -> (Option<Finding>, Option<Preset>) {
    let (outliers, replaced) = (evidence.outliers(Preset::Robust), evidence.outliers(Preset::Clean));
    let Some((skew, error)) = evidence.skew() else { return (None, None) };
    let passed = outliers - replaced;
    let is_skewed = skew.abs() >= LEAST_SKEW && skew.abs() >= 3.0 * error;
    let (finding, best) = match skew.abs() {
        _ if !is_skewed && passed > MOST_PASSED => (Finding::Passed { share: passed }, Some(Preset::Robust)),
        _ if !is_skewed => (Finding::Even { skew, error }, None),
        size if size < LEAST_STRONG => (Finding::Skewed { skew }, Some(Preset::Clean)),
        _ if outliers > MOST_NEAR || replaced > MOST_FAR => {
            (Finding::SkewedWithOutliers { skew, outliers, replaced }, Some(Preset::Clean))
        }
        _ => (Finding::StronglySkewed { skew }, Some(Preset::Mean)),
    };
    (Some(finding), best)
}

impl Finding {
    /// The rule, for who reads the page: the tables above in words.
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

    /// The resolution that is needed and that this one is not.
    fn unmet(&self, resolution: Resolution) -> Option<String> {
        let needed = match self {
            Self::Whole => Some(WHOLE),
            Self::Repeats { step, .. } => *step,
            _ => return None,
        };
        match (needed, resolution) {
            (Some(_), Resolution::Learn) => None,
            (Some(needed), Resolution::Step(given)) => (given < needed).then(|| needed.to_string()),
            // Where no step is to be seen, whoever gave one knows best.
            (None, Resolution::Step(given)) if given > 0.0 => None,
            (None, _) => Some("X".to_owned()),
        }
    }
}

/// The mean of all samples, and of those that were not left out.
fn means([all, kept]: [f64; 2]) -> String {
    let [all, kept] = [all, kept].map(|mean| rounded(mean, DIGITS));
    format!("The mean of all samples is {all}, that of the others {kept}.")
}

/// What the reader of the page is told.
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
    use crate::commands::report::judge::Judge;
    use crate::commands::report::tests::{gaussian, uniform};
    use crate::settings::RuleArgs;
    use clap::Parser;

    #[derive(Parser)]
    struct CommandLine {
        #[command(flatten)]
        rule: RuleArgs,
    }

    /// The advice for these values, from a run with these settings.
    fn advice_with(values: impl IntoIterator<Item = f64>, preset: Preset, resolution: &str) -> Advice {
        let CommandLine { rule } = CommandLine::parse_from(["evenkeel", "--resolution", resolution]);
        let mut judge = Judge::new(&rule).unwrap();
        judge.add_series().unwrap();
        let mut evidence = Evidence::new(judge.outlier_at());
        for value in values {
            evidence.add(&mut judge, 0, value).map_err(|_| "a refusal").unwrap();
        }
        Advice::of(&evidence, preset, rule.resolution())
    }

    fn advice(values: impl IntoIterator<Item = f64>) -> Advice {
        advice_with(values, Preset::Clean, "auto")
    }

    fn many(next: impl FnMut() -> f64) -> impl Iterator<Item = f64> {
        std::iter::repeat_with(next).take(5000)
    }

    #[test]
    fn any_preset_will_do_for_noise_with_and_without_spikes() {
        let (mut chance, mut noise) = (uniform(2), gaussian(3));
        for share in [0.0, 0.02, 0.1] {
            let values: Vec<f64> = many(|| noise() + if chance() < share { 1000.0 } else { 0.0 }).collect();
            for preset in Preset::ALL {
                let found = advice_with(values.iter().copied(), preset, "auto");
                assert_eq!((found.preset, found.standing), (Some(preset), Standing::Fine), "{share}: {found:?}");
                assert!(matches!(found.findings[0], Finding::Even { skew, .. } if skew.abs() < 0.1), "{found:?}");
                let left_out = found.findings.iter().any(|finding| matches!(finding, Finding::LeftOut { .. }));
                assert_eq!(left_out, preset == Preset::Clean && share > 0.0, "{share}: {found:?}");
            }
        }
    }

    #[test]
    fn outliers_that_pass_suit_the_robust_preset() {
        let (mut chance, mut noise) = (uniform(2), gaussian(3));
        for size in [-6.0, 6.0] {
            let values: Vec<f64> = many(|| noise() + if chance() < 0.06 { size } else { 0.0 }).collect();
            let found = advice(values.iter().copied());
            assert_eq!((found.preset, found.standing), (Some(Preset::Robust), Standing::Other), "{found:?}");
            assert!(matches!(found.findings[..], [Finding::Passed { share }, ..] if share > 0.02), "{found:?}");
            assert_eq!(advice_with(values, Preset::Robust, "auto").standing, Standing::Fine);
        }
    }

    #[test]
    fn the_mean_of_skewed_series_is_that_of_the_clean_preset() {
        let (mut noise, mut chance) = (gaussian(4), uniform(5));
        let skewed: Vec<f64> = many(|| (0.5 * noise()).exp()).collect();
        for (preset, standing) in [(Preset::Clean, Standing::Fine), (Preset::Robust, Standing::Other)] {
            let found = advice_with(skewed.iter().copied(), preset, "auto");
            assert_eq!((found.preset, found.standing), (Some(Preset::Clean), standing), "{found:?}");
        }
        let families: [(&str, Vec<f64>); 4] = [
            ("lognormal", many(|| noise().exp()).collect()),
            ("exponential", many(|| -chance().ln()).collect()),
            ("downwards", many(|| chance().ln()).collect()),
            ("a few spikes", many(|| -chance().ln() + if chance() < 0.02 { 60.0 } else { 0.0 }).collect()),
        ];
        for (name, values) in families {
            let found = advice(values.iter().copied());
            assert_eq!((found.preset, found.standing), (Some(Preset::Mean), Standing::Other), "{name}: {found:?}");
            assert_eq!(found.settings(), "--preset mean");
            let found = advice_with(values, Preset::Mean, "auto");
            assert_eq!((found.preset, found.standing), (Some(Preset::Mean), Standing::Fine), "{name}: {found:?}");
        }
        // A skew that the mean preset would pay for.
        let found = advice(many(|| -chance().ln() + if chance() < 0.11 { 60.0 } else { 0.0 }));
        assert!(matches!(found.findings[..], [Finding::SkewedWithOutliers { .. }, ..]), "{found:?}");
        assert_eq!((found.preset, found.standing), (Some(Preset::Clean), Standing::Fine));
    }

    #[test]
    fn a_skew_within_its_error_is_none() {
        let mut chance = uniform(6);
        let values: Vec<f64> = many(|| -chance().ln().abs().sqrt()).take(130).collect();
        let found = advice_with(values, Preset::Robust, "auto");
        assert_eq!(found.preset, Some(Preset::Robust), "{found:?}");
    }

    #[test]
    fn whole_numbers_have_the_resolution_1() {
        let mut chance = uniform(7);
        let counts: Vec<f64> = many(|| (-chance().ln()).floor()).collect();
        let found = advice(counts.iter().copied());
        assert_eq!((found.findings[0], found.resolution.as_ref()), (Finding::Whole, None), "{found:?}");
        let found = advice_with(counts.iter().copied(), Preset::Clean, "none");
        assert!(found.settings().ends_with("--resolution 1"), "{}", found.settings());
        assert_eq!(found.standing, Standing::Other, "{found:?}");
        let found = advice(counts.iter().map(|count| count + 0.25));
        assert!(!found.findings.contains(&Finding::Whole));
    }

    #[test]
    fn repeated_values_ask_for_a_resolution() {
        let (mut chance, mut noise) = (uniform(8), gaussian(9));
        let mut level = 5.0;
        let held: Vec<f64> = many(|| {
            level = if chance() < 0.2 { (noise() * 20.0).round() / 100.0 } else { level };
            level
        })
        .collect();
        let found = advice(held.iter().copied());
        let [Finding::Repeats { share, step: Some(0.01) }, Finding::Even { .. }, ..] = found.findings[..] else {
            panic!("{found:?}")
        };
        assert!((share - 0.8).abs() < 0.03, "{share}");
        assert_eq!((found.settings().as_str(), found.standing), ("--preset clean", Standing::Fine));
        for (given, standing) in [("none", Standing::Other), ("0.001", Standing::Other), ("0.01", Standing::Fine)] {
            let found = advice_with(held.iter().copied(), Preset::Clean, given);
            assert_eq!(found.standing, standing, "{given}");
            let wanted = if standing == Standing::Fine { "" } else { " --resolution 0.01" };
            assert_eq!(found.settings(), format!("--preset clean{wanted}"));
        }
        let found = advice(held.iter().map(|value| value / 3.0));
        assert!(matches!(found.findings[..], [Finding::Repeats { step: None, .. }]), "{found:?}");
        assert_eq!((found.settings().as_str(), found.standing), ("--resolution X", Standing::Other));
    }

    /// Two levels in turn.
    fn jumping(dwell: u32) -> Vec<f64> {
        let mut noise = gaussian(11);
        (0..5000).map(|row| if (row / dwell).is_multiple_of(2) { 0.0 } else { 20.0 } + noise()).collect()
    }

    #[test]
    fn a_clean_average_is_doubtful_where_it_leaves_out_too_much() {
        let (mut chance, mut noise) = (uniform(10), gaussian(11));
        let found = advice(many(|| noise() + if chance() < 0.2 { 30.0 } else { 0.0 }));
        let [Finding::Replaced { share, means: [all, kept] }] = found.findings[..] else { panic!("{found:?}") };
        assert!((share - 0.2).abs() < 0.02 && (all - 6.0).abs() < 0.6 && kept.abs() < 0.1, "{found:?}");
        assert_eq!(found.standing, Standing::Doubtful);
        assert!(found.preset != Some(Preset::Clean) && !found.is_makeshift, "another one withstands it: {found:?}");

        // Short dwells make it leave out half of what there is.
        for dwell in [20, 50] {
            let found = advice(jumping(dwell));
            let [Finding::Switches { share, reopenings, .. }, ..] = found.findings[..] else { panic!("{found:?}") };
            assert!(share > 0.15 && reopenings > 90, "{found:?}");
            assert!(found.findings[0].to_string().contains("jumps between levels"));
            assert_eq!(found.standing, Standing::Doubtful);
        }
        // The mean preset takes such short ones for its noise.
        assert_eq!(advice(jumping(20)).preset, Some(Preset::Mean));
        let found = advice(jumping(50));
        assert_eq!((found.preset, found.is_makeshift), (Some(Preset::Robust), true));
        // Of long dwells little is left out, and a mean may be late.
        assert_eq!(advice(jumping(200)).standing, Standing::Fine);
        assert_eq!(advice((0..5000).map(|row| (f64::from(row) / 100.0).sin())).standing, Standing::Fine);
    }

    #[test]
    fn a_location_is_doubtful_where_it_is_not_where_the_series_is() {
        for preset in [Preset::Robust, Preset::Mean] {
            let advice = |values: Vec<f64>| advice_with(values, preset, "auto");
            let (mut chance, mut noise) = (uniform(10), gaussian(11));
            if preset == Preset::Robust {
                let found = advice(many(|| noise() + if chance() < 0.29 { 30.0 } else { 0.0 }).collect());
                let [Finding::Contaminated { outliers }, ..] = found.findings[..] else { panic!("{found:?}") };
                assert!(outliers > 0.25, "{found:?}");
                assert_eq!((found.standing, found.is_makeshift), (Standing::Doubtful, true));
            }

            let found = advice(jumping(100));
            let [Finding::Jumps { reopenings, returns, .. }, ..] = found.findings[..] else { panic!("{found:?}") };
            assert!(reopenings > 40 && returns >= reopenings - 8, "{found:?}");
            assert!(found.findings[0].to_string().contains("jumps between levels"));
            assert_eq!((found.standing, found.preset), (Standing::Doubtful, Some(Preset::Clean)));

            let found = advice((0..5000).map(|row| f64::from(row / 100 * 20) + noise()).collect());
            assert!(found.findings.iter().any(|finding| matches!(finding, Finding::Steps { .. })), "{found:?}");

            let found = advice((0..5000).map(|row| (f64::from(row) / 100.0).sin()).collect());
            assert!(found.findings.iter().any(|f| matches!(f, Finding::Lags { persistence } if *persistence > 0.95)));
            assert_eq!((found.standing, found.preset), (Standing::Doubtful, Some(Preset::Clean)));
        }
    }

    #[test]
    fn nothing_is_made_of_nothing() {
        let found = advice([1.0; 500]);
        assert_eq!((&found.findings[..], found.standing), (&[Finding::Constant][..], Standing::Fine));
        let found = advice(many(gaussian(1)).take(100));
        assert_eq!((&found.findings[..], found.standing), (&[Finding::Few { scored: 95 }][..], Standing::TooFew));
        assert_eq!(found.settings(), "");
    }

    #[test]
    fn every_finding_says_its_number() {
        let (share, means) = (0.29, [3.75, 0.125]);
        let told = [
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
        for (finding, number) in told {
            assert!(finding.to_string().contains(number), "{finding}");
        }
    }
}
