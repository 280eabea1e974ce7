//! Promise (feature `serde`): a rule comes out of a configuration file as its builders would make it, with their
//! defaults, their checks and their words; and what is written reads back the same.
#![cfg(feature = "serde")]

use core::fmt::Debug;
use core::time::Duration;
use evenkeel::{
    Bound, CleanedEma, ClippedEma, Correlated, Decay, Ema, Floor, Idle, LearningRate, Numerator, Overflow,
    RelaxedNumerator, Resolution, RobustMean, Scope, WeightDecay,
};
use serde::{Serialize, de::DeserializeOwned};

fn read<R: DeserializeOwned>(text: &str) -> R {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Reads as expected, and comes back from what it is written as.
fn check<R: DeserializeOwned + Serialize + PartialEq + Debug>(text: &str, expected: &R) {
    assert_eq!(read::<R>(text), *expected, "{text}");
    let written = serde_json::to_string(expected).unwrap();
    assert_eq!(read::<R>(&written), *expected, "{written}");
}

#[test]
fn decays() {
    check(r#"{"half_life": 60}"#, &Decay::half_life(60.0).unwrap());
    check(r#"{"span": 19}"#, &Decay::span(19.0).unwrap());
    check(r#"{"com": 9}"#, &Decay::com(9.0).unwrap());
    check(r#"{"alpha": 0.1}"#, &Decay::alpha(0.1).unwrap());
    check(r#"{"beta": 0.9999}"#, &Decay::beta(0.9999).unwrap());
    let minute = Decay::half_life_time(Duration::from_millis(60_001)).unwrap();
    check(r#"{"half_life_time": {"secs": 60, "nanos": 1000000}}"#, &minute);
}

#[test]
fn rules() {
    let decay = Decay::half_life(60.0).unwrap();
    check(r#"{"decay": {"half_life": 60}}"#, &RobustMean::new(decay));
    check(
        r#"{"decay": {"half_life": 60}, "reject": [6, 12], "clip": 4, "scale_clip": 2}"#,
        &RobustMean::new(decay).mean_faithful(),
    );
    check(r#"{"decay": {"half_life": 60}, "reject": false}"#, &RobustMean::new(decay).reject_nothing());
    let all = RobustMean::new(decay).clip(1.5).unwrap().reject(4.0, 9.0).unwrap().scale_clip(2.5).unwrap();
    let all = all.patience(8).unwrap().resolution(0.1).unwrap();
    let text = r#"{"decay": {"half_life": 60}, "clip": 1.5, "reject": [4, 9], "scale_clip": 2.5, "patience": 8, "resolution": 0.1}"#;
    check(text, &all);
    let learning = RobustMean::new(decay).resolution(Resolution::Learn).unwrap();
    check(r#"{"decay": {"half_life": 60}, "resolution": "learn"}"#, &learning);
    check(r#"{"decay": {"half_life": 60}}"#, &CleanedEma::new(decay));
    let timed = CleanedEma::new(Decay::half_life_time(Duration::from_secs(60)).unwrap());
    check(r#"{"decay": {"half_life_time": {"secs": 60, "nanos": 0}}, "resolution": "learn"}"#, &{
        timed.resolution(Resolution::Learn).unwrap()
    });
    let all = CleanedEma::new(decay).reject(6.5).unwrap().patience(20).unwrap().resolution(0.5).unwrap();
    check(r#"{"decay": {"half_life": 60}, "reject": 6.5, "patience": 20, "resolution": 0.5}"#, &all);
    check(r#"{"decay": {"half_life": 60}}"#, &Ema::new(decay));
    let clipped = ClippedEma::new(decay).scale_decay(Decay::span(9.0).unwrap()).clip(5.0).unwrap();
    check(r#"{"decay": {"half_life": 60}, "scale_decay": {"span": 9}, "clip": 5}"#, &clipped);
    check(r#"{"decay": {"half_life": 60}}"#, &ClippedEma::new(decay));
    check(r#"{"mu": 0.01}"#, &Numerator::new(0.01).unwrap());
    let numerator = Numerator::new(0.01).unwrap().decay(decay).scale_decay(decay).clip(3.0).unwrap().bound(Bound::Mu);
    let text =
        r#"{"mu": 0.01, "decay": {"half_life": 60}, "scale_decay": {"half_life": 60}, "clip": 3, "bound": "mu"}"#;
    check(text, &numerator);
    check(r#"{"mu": 0.01, "decay": {"half_life": 60}}"#, &RelaxedNumerator::new(0.01).unwrap().decay(decay));
    check(r#"{"mu": 0.01}"#, &LearningRate::new(0.01).unwrap());
    let rate =
        LearningRate::new(0.01).unwrap().bound(Bound::Mu).clip(3.0).unwrap().norm_decay(decay).epsilon(1e-6).unwrap();
    let rate = rate.smoothing(Some(decay)).weight_decay(WeightDecay::Decoupled(0.1)).unwrap();
    let text = r#"{"mu": 0.01, "bound": "mu", "clip": 3, "norm_decay": {"half_life": 60}, "epsilon": 1e-6,
                   "smoothing": {"half_life": 60}, "weight_decay": {"decoupled": 0.1}}"#;
    check(text, &rate);
    let numerator = Numerator::new(0.01).unwrap().bound(Bound::MuTimesScale).scale_scope(Scope::Layer);
    let text = r#"{"mu": 0.01, "bound": "mu_times_scale", "scale_scope": "layer", "clip": false}"#;
    check(text, &numerator.clip(f64::INFINITY).unwrap());
    let rate = LearningRate::new(0.01).unwrap().as_published().floor(Floor::Norm).scale_scope(Scope::Layer);
    let text = r#"{"mu": 0.01, "epsilon": 1e-10, "smoothing": {"beta": 0.9}, "correlated": "step",
                   "mean_decay": {"beta": 0.1}, "floor": "norm", "scale_scope": "layer", "clip": false}"#;
    check(text, &rate.clip(f64::INFINITY).unwrap());
    let text = r#"{"mu": 0.01, "correlated": "gradient", "floor": "none", "scale_scope": "weight", "clip": 4}"#;
    check(text, &LearningRate::new(0.01).unwrap().correlated(Correlated::Gradient));
    check(r#"{"samples": 100}"#, &Idle::Samples(100));
    check(r#"{"time": {"secs": 3600, "nanos": 0}}"#, &Idle::Time(Duration::from_secs(3600)));
    check(r#""evict""#, &Overflow::Evict);
}

#[test]
fn what_the_builders_refuse_is_refused_in_their_words() {
    let error = |text: &str| serde_json::from_str::<RobustMean>(text).unwrap_err().to_string();
    assert_eq!(error(r#"{"decay": {"half_life": 0}}"#), "half_life must be above 0 and finite, not 0");
    assert_eq!(error(r#"{"decay": {"alpha": 2}}"#), "alpha must be above 0 and at most 1, not 2");
    let start = r#"{"decay": {"half_life": 60}, "#;
    assert!(error(&format!(r#"{start}"patience": 0}}"#)).starts_with("patience must be from 1 to 63, not 0"));
    assert!(error(&format!(r#"{start}"reject": true}}"#)).starts_with("reject must be [from, at] or false"));
    assert!(error(&format!(r#"{start}"reject": [8, 5]}}"#)).starts_with("reject must be above the start of the taper"));
    assert!(error(&format!(r#"{start}"patiense": 8}}"#)).contains("unknown field `patiense`"));
    assert!(error(&format!(r#"{start}"resolution": -1}}"#)).starts_with("resolution must be at least 0 and finite"));
    assert!(serde_json::from_str::<RobustMean>(&format!(r#"{start}"resolution": "guess"}}"#)).is_err());
    assert!(error("{}").contains("missing field `decay`"));
    let error = |text: &str| serde_json::from_str::<CleanedEma>(text).unwrap_err().to_string();
    assert!(error(&format!(r#"{start}"patience": 64}}"#)).starts_with("patience must be from 1 to 63, not 64"));
    assert!(error(&format!(r#"{start}"reject": 0}}"#)).starts_with("reject must be"));
    assert!(error(&format!(r#"{start}"reject": [5, 8]}}"#)).contains("expected f64"));
    assert!(error(&format!(r#"{start}"clip": 2}}"#)).contains("unknown field `clip`"));
    let error = |text: &str| serde_json::from_str::<LearningRate>(text).unwrap_err().to_string();
    assert_eq!(error(r#"{"mu": 1, "clip": true}"#), "clip must be a number of scales or false, not 1");
    assert_eq!(error(r#"{"mu": 1, "clip": -1}"#), "clip must be above 0, not -1");
    assert!(error(r#"{"mu": 1, "mean_decay": {"beta": 1}}"#).starts_with("beta must be at least 0 and below 1"));
    let error = |text: &str| serde_json::from_str::<RelaxedNumerator>(text).unwrap_err().to_string();
    assert_eq!(error(r#"{"mu": 0.5}"#), "mu must be above 0 and below 1/2, not 0.5");
}
