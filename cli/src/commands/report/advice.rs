//! Which preset and resolution suit a series, by a rule that can be read here and looked up on the page.
//!
//! First, whether there is enough to judge by:
//!
//! | found | then |
//! |---|---|
//! | fewer than [`LEAST_SCORED`] scored samples | too few; the end |
//! | one value only | nothing to choose; the end |
//! | all values are whole numbers | resolution 1, which `auto` learns |
//! | otherwise, more than [`MOST_REPEATS`] of the samples equal the one before | the resolution is the step that `auto` learns. Where there is none, it is the smallest change that matters to whoever owns the series, and nothing else can be judged: the scale has collapsed onto the value that is repeated; the end |
//!
//! Then, what makes a preset doubtful. A mean is harmed by samples that are left out of it and belong to it, and by
//! nothing else: that it comes after a moving series is what a mean of the past is. A location is to be where the
//! series is.
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
//! What suits the series is that preset if it is not doubtful, or else the first of `clean`, `robust` and `mean` that
//! is not. If all are, it is `mean` where that does no worse than lag, because then it leaves nothing out, or else
//! `robust`, which is least led astray.
//!
//! Where the numbers come from: mean squared errors of the presets on series of known truth. The errors of `clean` and
//! `mean` against the mean of skewed samples are those of a plain average at an octile skew of 0.1 and up to 0.3 (a
//! lognormal of 0.5), where `robust` has 2.5 times as much; at 0.4 and beyond (exponential) `mean` has a sixth less
//! than `clean`. Of 5% at 6 sigma `clean` lets so many pass that it has eight times the error of `robust`, of 2% at 5
//! sigma twice. Two levels in turn, 20 samples each, make `clean` replace 43% of the samples, and give it three times
//! the error of a plain average; with 90 samples each, it replaces 10% and has a tenth more. What is lost beyond a
//! quarter is in `docs/ACCURACY.md`.

use super::evidence::Evidence;
use super::finding::Finding;
use super::thresholds::{
    LEAST_LEFT_OUT, LEAST_REOPENINGS, LEAST_SCORED, LEAST_SKEW, LEAST_STRONG, MOST_FAR, MOST_NEAR, MOST_OUTLIERS,
    MOST_PASSED, MOST_PERSISTENT, MOST_REOPENINGS, MOST_REPEATS, MOST_REPLACED, WHOLE,
};
use crate::settings::Preset;
use evenkeel::Resolution;

/// How much attention a series deserves: the later in this list, the less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// What was found makes the estimates doubtful.
    Doubtful,
    /// Other settings than those of this run suit it better.
    Other,
    Fine,
    TooFew,
}

/// The settings that suit a series, and why.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Advice {
    /// The preset; nothing where none can be advised, or it does not matter.
    pub(super) preset: Option<Preset>,
    /// Whether that preset is doubtful, too, as all are.
    pub(super) is_makeshift: bool,
    /// The resolution; nothing where that of the run will do.
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

    /// The settings without the names of the options.
    pub(super) fn short(&self) -> String {
        let preset = self.preset.map(|preset| preset.to_string());
        [preset, self.resolution.clone()].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// Finds what the values are, and returns whether scores mean anything.
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

/// Finds what makes a preset doubtful.
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

/// Finds what the samples are like, and returns the preset with the least error; none where any will do.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::report::judge::Judge;
    use crate::commands::report::noise::{gaussian, uniform};
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
        let [Finding::Replaced { share, means: [all, others] }] = found.findings[..] else { panic!("{found:?}") };
        assert!((share - 0.2).abs() < 0.02 && (all - 6.0).abs() < 0.6 && others.abs() < 0.1, "{found:?}");
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
}
