//! Every parameter reaches the step, which is that of the library's layer with the same one to the bit and no other's; and every
//! parameter comes back from a file.

use burn::config::Config;
use burn::tensor::Element;
use common::{bits, expected, found};
use evenkeel::{Bound, Correlated, Decay, Floor, LearningRate, Real, Scope, WeightDecay};
use evenkeel_burn::RobustSgmConfig;

mod common;

fn decay(beta: f64) -> Decay {
    Decay::beta(beta).unwrap()
}

/// Each option by itself and all of them together, and the rule with the same ones.
fn options() -> Vec<(RobustSgmConfig, LearningRate)> {
    let new = || RobustSgmConfig::new().with_mean_beta(None);
    let rule = LearningRate::new(1.0).unwrap().smoothing(Some(decay(0.9)));
    let (clipped, unclipped) = (rule.clip(1.5).unwrap(), rule.clip(f64::INFINITY).unwrap());
    let all = new().with_beta(0.99).with_beta_scale(0.95).with_beta_norm(0.9).with_beta_smooth(None).with_epsilon(1e-3);
    let all = all.with_clip(None).with_bound(Bound::MuTimesScale).with_scale_scope(Scope::Layer);
    let all = all.with_correlated(Correlated::Step).with_floor(Floor::Norm).with_weight_decay(0.5).with_coupled(true);
    let ruled = unclipped.decay(decay(0.99)).scale_decay(decay(0.95)).norm_decay(decay(0.9)).smoothing(None);
    let ruled = ruled.bound(Bound::MuTimesScale).scale_scope(Scope::Layer).correlated(Correlated::Step);
    let ruled = ruled.floor(Floor::Norm).epsilon(1e-3).unwrap().weight_decay(WeightDecay::Coupled(0.5)).unwrap();
    vec![
        (new(), rule),
        (new().with_beta(0.99), rule.decay(decay(0.99))),
        (new().with_beta_scale(0.95), rule.scale_decay(decay(0.95))),
        (new().with_beta_norm(0.9), rule.norm_decay(decay(0.9))),
        (new().with_beta_smooth(None), rule.smoothing(None)),
        (new().with_clip(Some(1.5)), clipped),
        (new().with_clip(None), unclipped),
        (new().with_bound(Bound::Mu), rule.bound(Bound::Mu)),
        (new().with_bound(Bound::MuTimesScale), rule.bound(Bound::MuTimesScale)),
        (new().with_scale_scope(Scope::Layer), rule.scale_scope(Scope::Layer)),
        (new().with_correlated(Correlated::Step), rule.correlated(Correlated::Step)),
        (new().with_floor(Floor::Norm), rule.floor(Floor::Norm)),
        (new().with_epsilon(1e-3), rule.epsilon(1e-3).unwrap()),
        (new().with_weight_decay(0.5), rule.weight_decay(WeightDecay::Decoupled(0.5)).unwrap()),
        (new().with_weight_decay(0.5).with_coupled(true), rule.weight_decay(WeightDecay::Coupled(0.5)).unwrap()),
        (all, ruled),
    ]
}

const RATE: f64 = 0.125;
const STEPS: usize = 90;

fn each_option_is_its_own<T: Real + Element>() {
    let options = options();
    let expected = options.iter().map(|(_, rule)| expected::<T>(*rule, |_, mean| RATE * mean, STEPS));
    let expected: Vec<_> = expected.map(|weights| bits(&weights)).collect();
    for (index, (config, _)) in options.iter().enumerate() {
        let found = bits(&found::<T>(config, |_| RATE, STEPS));
        for (other, expected) in expected.iter().enumerate() {
            assert_eq!(found == *expected, index == other, "{config} and option {other}");
        }
    }
}

#[test]
fn each_option_is_its_own_in_f32() {
    each_option_is_its_own::<f32>();
}

#[test]
fn each_option_is_its_own_in_f64() {
    each_option_is_its_own::<f64>();
}

#[test]
fn an_infinite_clip_clips_none() {
    let [none, infinite] = [None, Some(f64::INFINITY)].map(|clip| RobustSgmConfig::new().with_clip(clip));
    assert_eq!(bits(&found::<f32>(&none, |_| RATE, 60)), bits(&found::<f32>(&infinite, |_| RATE, 60)));
}

/// Without bias correction the smoothed mean begins at 0.
fn the_uncorrected_mean<T: Real + Element>() {
    let config = RobustSgmConfig::new().with_mean_beta(Some(0.75)).with_mean_corrected(false);
    let rule = LearningRate::new(1.0).unwrap().smoothing(Some(decay(0.9)));
    let mut value = 0.0;
    let smoothed = |_, mean: f64| {
        value += 0.25 * (mean - value);
        RATE * value
    };
    let found = bits(&found::<T>(&config, |_| RATE, STEPS));
    assert_eq!(found, bits(&expected::<T>(rule, smoothed, STEPS)));
    let corrected = config.with_mean_corrected(true);
    assert_ne!(found, bits(&common::found::<T>(&corrected, |_| RATE, STEPS)));
}

#[test]
fn the_uncorrected_mean_in_f32() {
    the_uncorrected_mean::<f32>();
}

#[test]
fn the_uncorrected_mean_in_f64() {
    the_uncorrected_mean::<f64>();
}

/// In `f64`, where the layer rounds its averaged mean to nothing less. The bound is a power of two, so that nothing is rounded
/// when it is taken out.
#[test]
fn as_published_is_the_published_step() {
    let (any, _) = options().pop().unwrap();
    for (coupled, weight_decay) in [(true, WeightDecay::Coupled(0.5)), (false, WeightDecay::Decoupled(0.5))] {
        let config = any.clone().with_coupled(coupled).as_published();
        let rule = LearningRate::new(RATE).unwrap().as_published().weight_decay(weight_decay).unwrap();
        let found = bits(&found::<f64>(&config, |_| RATE, STEPS));
        assert_eq!(found, bits(&expected::<f64>(rule, |_, mean| mean, STEPS)), "{config}");
        let bare = LearningRate::new(RATE).unwrap().as_published();
        assert_ne!(found, bits(&expected::<f64>(bare, |_, mean| mean, STEPS)), "{config}");
    }
}

#[test]
fn parameters_come_back_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("optimiser.json");
    let configs = options().into_iter().map(|(config, _)| config);
    let others = [RobustSgmConfig::new().as_published(), RobustSgmConfig::new().with_beta_smooth(None)];
    for config in configs.chain(others) {
        config.save(&path).unwrap();
        let loaded = RobustSgmConfig::load(&path).unwrap();
        assert_eq!(format!("{loaded:?}"), format!("{config:?}"));
    }
    // JSON has no infinity: what comes back means the same.
    RobustSgmConfig::new().with_clip(Some(f64::INFINITY)).save(&path).unwrap();
    assert_eq!(RobustSgmConfig::load(&path).unwrap().clip, None);
}

/// A run that goes on with parameters from a file goes on to the bit only if these are the same bits.
#[test]
fn parameters_come_back_from_a_file_to_the_bit() {
    let mut rng = fastrand::Rng::with_seed(3);
    for _ in 0..1000 {
        let config = RobustSgmConfig::new().with_beta(rng.f64()).with_beta_smooth(Some(rng.f64()));
        let loaded = RobustSgmConfig::load_binary(config.to_string().as_bytes()).unwrap();
        let bits =
            |config: &RobustSgmConfig| [Some(config.beta), config.beta_smooth].map(|beta| beta.map(f64::to_bits));
        assert_eq!(bits(&loaded), bits(&config), "{config}");
    }
}
