//! Which preset and resolution suit a series, by a rule that can be read here and looked up on the page.
//!
//! Step by step, until it ends:
//!
//! | found | then |
//! |---|---|
//! | fewer than [`FEWEST`] scored samples | too few to tell; the end |
//! | one value only | nothing to choose; the end |
//! | all values are whole numbers | resolution 1, which `auto` takes |
//! | otherwise, more than [`MOST_REPEATS`] of the samples equal the one before | the resolution is the step in which all values are written. Where there is none, it is the smallest change that matters to whoever knows the series, and nothing else can be told: the scale has collapsed onto the value that is repeated; the end |
//! | more than [`MOST_OUTLIERS`] of the samples are outliers | doubtful: no preset withstands more on one side |
//! | [`FEWEST_REOPENINGS`] or more re-openings, more than [`MOST_REOPENINGS`] of the samples | doubtful: level jumps, if at least half lead back to a level where the estimate had been re-opened before, or else moves that the memory is too long for |
//! | more than [`MOST_PERSISTENT`] of the residuals have the sign of the one before | doubtful: the series moves faster than the memory |
//! | anything doubtful | the robust preset, which is less led astray; the end |
//! | the octile skew of what is no outlier is beyond [`LEAST_SKEW`] and three standard errors | `--preset mean`, unless more than [`MOST_NEAR`] are outliers or more than [`MOST_FAR`] are beyond eight scales, which that preset would follow |
//! | everything else | the robust preset |
//!
//! Where the numbers come from: at an octile skew of 0.1 (a lognormal of 0.2, a gamma distribution of shape 10) the robust
//! preset has a quarter more error against the mean than the mean preset, and it only gets more; with a tenth of far
//! outliers on one side it is the mean preset that has ten times the error. What is lost beyond a quarter is told in
//! `docs/ACCURACY.md`.

use super::evidence::Evidence;
use crate::args::{Preset, Resolution};
use crate::profile::percent;
use std::fmt;

/// Fewer scored samples tell nothing.
pub(super) const FEWEST: u64 = 100;
/// The step of whole numbers.
const WHOLE: f64 = 1.0;
/// As often do independent samples equal the one before that have one value half the time, which is what collapses a scale.
/// In a series without that, values that are so coarse are no worse off with a resolution.
const MOST_REPEATS: f64 = 0.25;
const MOST_OUTLIERS: f64 = 0.25;
const FEWEST_REOPENINGS: u64 = 3;
const MOST_REOPENINGS: f64 = 1.0 / 200.0;
const MOST_PERSISTENT: f64 = 0.9;
const LEAST_SKEW: f64 = 0.1;
const MOST_NEAR: f64 = 1.0 / 8.0;
const MOST_FAR: f64 = 1.0 / 16.0;

/// Something that was found, with the number that it rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Finding {
    Few { scored: u64 },
    Constant,
    Repeats { share: f64, step: Option<f64> },
    Whole,
    Contaminated { outliers: f64 },
    Jumps { reopenings: u64, returns: u64, scored: u64 },
    Steps { reopenings: u64, scored: u64 },
    Lags { persistence: f64 },
    Skewed { skew: f64 },
    SkewedWithOutliers { skew: f64, outliers: f64, far: f64 },
    Even { skew: f64, error: f64 },
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
    /// Nothing where that cannot be told, or does not matter.
    pub(super) preset: Option<Preset>,
    pub(super) findings: Vec<Finding>,
    pub(super) standing: Standing,
}

impl Advice {
    /// Applies the rule, for a run with these settings.
    pub(super) fn of(evidence: &Evidence, preset: Preset, resolution: Resolution) -> Self {
        let (findings, suits) = findings(evidence);
        let standing = match findings.first() {
            Some(Finding::Few { .. }) => Standing::TooFew,
            _ if findings.iter().any(Finding::is_doubt) => Standing::Doubtful,
            _ if suits.is_some_and(|suits| suits != preset) => Standing::Other,
            _ if findings.iter().all(|finding| finding.is_met_by(resolution)) => Standing::Fine,
            _ => Standing::Other,
        };
        Self { preset: suits, findings, standing }
    }

    /// The settings as the command line takes them; nothing where there is nothing to set.
    pub(super) fn settings(&self) -> String {
        let preset = self.preset().map(|preset| format!("--preset {preset}"));
        let resolution = self.resolution().map(|step| format!("--resolution {step}"));
        [preset, resolution].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// The same without the names of the options.
    pub(super) fn short(&self) -> String {
        let preset = self.preset().map(str::to_owned);
        [preset, self.resolution()].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    fn preset(&self) -> Option<&'static str> {
        self.preset.map(|preset| if preset == Preset::Mean { "mean" } else { "robust" })
    }

    fn resolution(&self) -> Option<String> {
        self.findings.iter().find_map(|finding| match finding {
            Finding::Whole => Some(WHOLE.to_string()),
            Finding::Repeats { step: Some(step), .. } => Some(step.to_string()),
            Finding::Repeats { step: None, .. } => Some("X".to_owned()),
            _ => None,
        })
    }
}

/// What is found, and the preset that suits it.
fn findings(evidence: &Evidence) -> (Vec<Finding>, Option<Preset>) {
    let scored = evidence.scored();
    if scored < FEWEST {
        return (vec![Finding::Few { scored }], None);
    }
    if evidence.is_constant() {
        return (vec![Finding::Constant], None);
    }
    let mut findings = Vec::new();
    let (share, step) = (evidence.repeats(), evidence.step());
    if step == Some(WHOLE) {
        findings.push(Finding::Whole);
    } else if share > MOST_REPEATS {
        findings.push(Finding::Repeats { share, step });
        if step.is_none() {
            // The scale has collapsed onto the value that is repeated: what it calls an outlier is none.
            return (findings, None);
        }
    }
    let outliers = evidence.beyond(4.0);
    if outliers > MOST_OUTLIERS {
        findings.push(Finding::Contaminated { outliers });
    }
    let (reopenings, returns) = evidence.reopenings();
    if reopenings >= FEWEST_REOPENINGS && reopenings as f64 > MOST_REOPENINGS * scored as f64 {
        findings.push(if 2 * returns >= reopenings {
            Finding::Jumps { reopenings, returns, scored }
        } else {
            Finding::Steps { reopenings, scored }
        });
    }
    if let Some(persistence) = evidence.persistence().filter(|persistence| *persistence > MOST_PERSISTENT) {
        findings.push(Finding::Lags { persistence });
    }
    let is_doubtful = findings.iter().any(Finding::is_doubt);
    let Some((skew, error)) = evidence.skew().filter(|_| !is_doubtful) else {
        return (findings, Some(Preset::Robust));
    };
    let far = evidence.beyond(8.0);
    let (finding, suits) = if skew.abs() < LEAST_SKEW || skew.abs() < 3.0 * error {
        (Finding::Even { skew, error }, Preset::Robust)
    } else if outliers > MOST_NEAR || far > MOST_FAR {
        (Finding::SkewedWithOutliers { skew, outliers, far }, Preset::Robust)
    } else {
        (Finding::Skewed { skew }, Preset::Mean)
    };
    findings.push(finding);
    (findings, Some(suits))
}

impl Finding {
    /// The rule, for who reads the page: the table above in words.
    pub(super) const RULES: [&str; 8] = [
        "Fewer than 100 samples after the cold start are too few to tell anything.",
        "Of a series with one value only, there is nothing to tell.",
        "If all values are whole numbers, the resolution is 1, which auto takes.",
        "Otherwise, if more than a quarter of the values equal the one before, the resolution is the step in which they are \
         written.",
        "More than a quarter of outliers: doubtful.",
        "Three re-openings or more, and more than one in 200 samples: doubtful. If half of them or more lead back to a level \
         where that had happened before, the series jumps between a few levels; otherwise it moves faster than the memory.",
        "More than 90% of the residuals have the sign of the one before: doubtful, the location lags behind.",
        "The octile skew tells how much further from the median the highest eighth of the samples begins than the lowest ends, from \
         -1 to 1. A doubtful series has the robust preset, which is less led astray. So has every other one, unless the skew of the \
         samples that are no outliers is beyond 0.1 and three standard errors: then it has the mean preset, if at most an \
         eighth of the samples are outliers and at most a sixteenth lie beyond 8 scales.",
    ];

    /// Whether it makes the estimates doubtful.
    fn is_doubt(&self) -> bool {
        matches!(self, Self::Contaminated { .. } | Self::Jumps { .. } | Self::Steps { .. } | Self::Lags { .. })
    }

    /// Whether a run with this resolution has the one that is needed.
    fn is_met_by(&self, resolution: Resolution) -> bool {
        match (self, resolution) {
            (Self::Whole | Self::Repeats { .. }, Resolution::None) | (Self::Repeats { .. }, Resolution::Auto) => false,
            (Self::Whole, Resolution::Step(given)) => given >= WHOLE,
            // Where no step is to be seen, whoever gave one knows best.
            (Self::Repeats { step, .. }, Resolution::Step(given)) => step.is_none_or(|step| given >= step),
            // Whole numbers have theirs from `auto`, and nothing else needs one.
            _ => true,
        }
    }
}

/// What the reader of the page is told.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |skew: f64| if skew > 0.0 { "upwards" } else { "downwards" };
        match *self {
            Self::Few { scored } => {
                write!(f, "{scored} samples after the cold start are too few to tell; {FEWEST} are needed.")
            }
            Self::Constant => write!(f, "Every sample has the same value: there is nothing to choose."),
            Self::Repeats { share, step: Some(step) } => write!(
                f,
                "{} of the values equal the one before, and all are written in steps of {step}: with less resolution than \
                 that, the series is taken for a constant, and its changes for outliers.",
                percent(share)
            ),
            Self::Repeats { share, step: None } => write!(
                f,
                "{} of the values equal the one before, and they have no common step: without a resolution, the series \
                 is taken for a constant, and its changes for outliers. Give the smallest change that matters to you.",
                percent(share)
            ),
            Self::Whole => write!(f, "All values are whole numbers: resolution 1, which auto takes."),
            Self::Contaminated { outliers } => write!(
                f,
                "{} of the samples are outliers, more than a quarter: where they are on one side, the estimate may follow \
                 them. No preset withstands more; a higher --patience helps a little.",
                percent(outliers)
            ),
            Self::Jumps { reopenings, returns, scored } => write!(
                f,
                "The estimate was re-opened {reopenings} times in {scored} samples, {returns} times onto a level where \
                 that had happened before: the series jumps between a few levels, and one location does not describe it."
            ),
            Self::Steps { reopenings, scored } => write!(
                f,
                "The estimate was re-opened {reopenings} times in {scored} samples, mostly onto new levels: the series \
                 moves in steps or ramps, which a shorter --half-life follows better."
            ),
            Self::Lags { persistence } => write!(
                f,
                "{} of the residuals have the sign of the one before, where noise has about half: the location lags behind \
                 the series. A shorter --half-life follows it closer.",
                percent(persistence)
            ),
            Self::Skewed { skew } => write!(
                f,
                "The residuals are skewed {}: octile skew {skew:.2}, where {LEAST_SKEW} is much. The mean lies in the \
                 longer tail, to which the mean preset stays closer.",
                side(skew)
            ),
            Self::SkewedWithOutliers { skew, outliers, far } => write!(
                f,
                "The residuals are skewed {} (octile skew {skew:.2}), but {} of the samples are outliers and {} lie \
                 beyond 8 scales, too many for the mean preset, which would follow them.",
                side(skew),
                percent(outliers),
                percent(far)
            ),
            Self::Even { skew, error } if skew.abs() < LEAST_SKEW => write!(
                f,
                "The residuals are much alike on both sides: octile skew {skew:.2}, give or take {error:.2}. The robust \
                 preset has the least error."
            ),
            Self::Even { skew, error } => write!(
                f,
                "That the residuals are skewed may be chance: octile skew {skew:.2}, give or take {error:.2}. The robust \
                 preset has the least error where they are not."
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::RuleArgs;
    use crate::html_report::judge::Judge;
    use crate::html_report::tests::{gaussian, uniform};
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
        let mut evidence = Evidence::new();
        for (row, value) in values.into_iter().enumerate() {
            evidence.see(value);
            let seen = judge.observe(0, value, evidence.decimals()).unwrap();
            if row >= 24 {
                evidence.judge(&seen);
            }
        }
        Advice::of(&evidence, preset, rule.resolution.unwrap_or_default())
    }

    fn advice(values: impl IntoIterator<Item = f64>) -> Advice {
        advice_with(values, Preset::Robust, "auto")
    }

    fn many(next: impl FnMut() -> f64) -> impl Iterator<Item = f64> {
        std::iter::repeat_with(next).take(5000)
    }

    #[test]
    fn noise_with_and_without_spikes_suits_the_robust_preset() {
        let (mut chance, mut noise) = (uniform(2), gaussian(3));
        for share in [0.0, 0.01, 0.1, 0.2] {
            let found = advice(many(|| noise() + if chance() < share { 1000.0 } else { 0.0 }));
            assert_eq!((found.preset, found.standing), (Some(Preset::Robust), Standing::Fine), "{share}: {found:?}");
            assert!(matches!(found.findings[..], [Finding::Even { skew, .. }] if skew.abs() < 0.1), "{found:?}");
        }
    }

    #[test]
    fn skewed_series_suit_the_mean_preset() {
        let (mut noise, mut chance) = (gaussian(4), uniform(5));
        let families: [(&str, Vec<f64>); 4] = [
            ("lognormal", many(|| (0.5 * noise()).exp()).collect()),
            ("exponential", many(|| -chance().ln()).collect()),
            ("downwards", many(|| chance().ln()).collect()),
            ("a few spikes", many(|| (0.5 * noise()).exp() + if chance() < 0.02 { 60.0 } else { 0.0 }).collect()),
        ];
        for (name, values) in families {
            let found = advice(values.iter().copied());
            assert_eq!((found.preset, found.standing), (Some(Preset::Mean), Standing::Other), "{name}: {found:?}");
            assert_eq!(found.settings(), "--preset mean");
            let found = advice_with(values, Preset::Mean, "auto");
            assert_eq!((found.preset, found.standing), (Some(Preset::Mean), Standing::Fine), "{name}: {found:?}");
        }
        // A skew that the mean preset would pay for, and noise that it does not suit.
        let found = advice(many(|| (0.5 * noise()).exp() + if chance() < 0.1 { 60.0 } else { 0.0 }));
        assert!(matches!(found.findings[..], [Finding::SkewedWithOutliers { .. }]), "{found:?}");
        assert_eq!((found.preset, found.standing), (Some(Preset::Robust), Standing::Fine));
        assert_eq!(advice_with(many(noise), Preset::Mean, "auto").standing, Standing::Other);
    }

    #[test]
    fn a_skew_within_its_error_is_none() {
        let mut chance = uniform(6);
        let values: Vec<f64> = many(|| -chance().ln().abs().sqrt()).take(130).collect();
        let found = advice(values);
        assert_eq!(found.preset, Some(Preset::Robust), "{found:?}");
    }

    #[test]
    fn whole_numbers_have_the_resolution_1() {
        let mut chance = uniform(7);
        let counts: Vec<f64> = many(|| (-chance().ln()).floor()).collect();
        let found = advice(counts.iter().copied());
        assert_eq!(found.findings[0], Finding::Whole, "{found:?}");
        assert!(found.settings().ends_with("--resolution 1"), "{}", found.settings());
        let found = advice_with(counts.iter().copied(), Preset::Robust, "none");
        assert_eq!(found.standing, Standing::Other, "{found:?}");
        let found = advice_with(counts.iter().map(|count| count + 0.25), Preset::Robust, "auto");
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
        let [Finding::Repeats { share, step: Some(0.01) }, Finding::Even { .. }] = found.findings[..] else {
            panic!("{found:?}")
        };
        assert!((share - 0.8).abs() < 0.03, "{share}");
        assert_eq!((found.settings().as_str(), found.standing), ("--preset robust --resolution 0.01", Standing::Other));
        for (given, standing) in [("none", Standing::Other), ("0.001", Standing::Other), ("0.01", Standing::Fine)] {
            assert_eq!(advice_with(held.iter().copied(), Preset::Robust, given).standing, standing, "{given}");
        }
        let found = advice(held.iter().map(|value| value / 3.0));
        assert!(matches!(found.findings[..], [Finding::Repeats { step: None, .. }]), "{found:?}");
        assert_eq!(found.settings(), "--resolution X");
    }

    #[test]
    fn what_no_setting_helps_is_doubtful() {
        let (mut chance, mut noise) = (uniform(10), gaussian(11));
        let spiky = many(|| noise() + if chance() < 0.29 { 30.0 } else { 0.0 }).collect::<Vec<_>>();
        let found = advice(spiky);
        assert!(matches!(found.findings[..], [Finding::Contaminated { outliers }] if outliers > 0.25), "{found:?}");
        assert_eq!(found.standing, Standing::Doubtful);

        let jumping = (0..5000).map(|row| if row / 100 % 2 == 0 { 0.0 } else { 20.0 } + noise()).collect::<Vec<_>>();
        let found = advice(jumping);
        let [Finding::Jumps { reopenings, returns, .. }] = found.findings[..] else { panic!("{found:?}") };
        assert!(reopenings > 40 && returns >= reopenings - 8, "{found:?}");

        let climbing = (0..5000).map(|row| f64::from(row / 100 * 20) + noise()).collect::<Vec<_>>();
        let found = advice(climbing);
        assert!(found.findings.iter().any(|finding| matches!(finding, Finding::Steps { .. })), "{found:?}");

        let found = advice((0..5000).map(|row| (f64::from(row) / 100.0).sin()));
        assert!(found.findings.iter().any(|f| matches!(f, Finding::Lags { persistence } if *persistence > 0.95)));
        assert_eq!(found.standing, Standing::Doubtful);
    }

    #[test]
    fn nothing_is_made_of_nothing() {
        let found = advice([1.0; 500]);
        assert_eq!((&found.findings[..], found.standing), (&[Finding::Constant][..], Standing::Fine));
        let found = advice(many(gaussian(1)).take(100));
        assert_eq!((&found.findings[..], found.standing), (&[Finding::Few { scored: 76 }][..], Standing::TooFew));
        assert_eq!(found.settings(), "");
    }

    #[test]
    fn every_finding_says_its_number() {
        let told = [
            (Finding::Few { scored: 76 }, "76"),
            (Finding::Repeats { share: 0.8, step: Some(0.01) }, "80.00%"),
            (Finding::Repeats { share: 0.8, step: Some(0.01) }, "0.01"),
            (Finding::Contaminated { outliers: 0.29 }, "29.00%"),
            (Finding::Jumps { reopenings: 50, returns: 44, scored: 5000 }, "44"),
            (Finding::Steps { reopenings: 50, scored: 5000 }, "50"),
            (Finding::Lags { persistence: 0.97 }, "97.00%"),
            (Finding::Skewed { skew: -0.24 }, "downwards: octile skew -0.24"),
            (Finding::SkewedWithOutliers { skew: 0.24, outliers: 0.1, far: 0.09 }, "9.00%"),
            (Finding::Even { skew: 0.01, error: 0.02 }, "0.01, give or take 0.02"),
        ];
        for (finding, number) in told {
            assert!(finding.to_string().contains(number), "{finding}");
        }
    }
}
