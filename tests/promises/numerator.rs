//! Promise: the numerator's specification.
//!
//! `numerator.json` is the output of `numerator.py`: 60 steps of five weights under a heavy-tailed gradient with giant
//! spikes. State, outputs and layer means must come out to 1e-12 in `f64` and 1e-5 in `f32`, on every backend; and so
//! must those of the plain loop that the other tests rely on.
//!
//! `published.json` is the output of `published.py`: 1,500 steps of the published step, in which an error would feed
//! back through the weights, and 60 steps of each reading that is an option. They agree to 1e-12 in `f64`.

use crate::{oracle, support};
use evenkeel::{
    Bound, Correlated, Decay, Floor, Layer, LayerRule, LearningRate, Numerator, RelaxedNumerator, Scope, WeightDecay,
};
use oracle::Float;
use oracle::layer::{NumeratorSpec, RelaxedSpec, mean};
use serde_json::Value;
use support::random::Random;
use support::{both_types, every_backend};

fn file() -> Value {
    serde_json::from_str(include_str!("../numerator.json")).expect("valid JSON")
}

fn column<T: Float>(row: &Value, name: &str) -> Vec<T> {
    let numbers = row[name].as_array().unwrap_or_else(|| panic!("{name} is there"));
    numbers.iter().map(|number| T::from_f64(number.as_f64().expect("a number"))).collect()
}

fn rows(file: &Value) -> &Vec<Value> {
    let rows = file["rows"].as_array().expect("an array");
    assert_eq!(rows.len(), 60, "the story is there");
    rows
}

/// The promised agreement: 1e-12 in `f64` and 1e-5 in `f32`, relative. The inputs are rounded to the element type, so
/// near a cancellation of `a~` the error is relative to what cancelled.
fn tolerance<T: Float>() -> f64 {
    if size_of::<T>() == 8 { 1e-12 } else { 1e-5 }
}

fn close<T: Float>(got: &[T], row: &Value, name: &str, what: &str) {
    let expected: Vec<f64> = column(row, name);
    assert_eq!(got.len(), expected.len());
    for (got, expected) in got.iter().zip(&expected) {
        let error = (got.to_f64() - expected).abs();
        assert!(error <= tolerance::<T>() * expected.abs().max(1e-6), "{what}, {name}: {got}, not {expected}");
    }
}

fn numerator(file: &Value) -> Numerator {
    let number = |name: &str| file[name].as_f64().expect("a number");
    Numerator::new(number("mu"))
        .and_then(|rule| rule.clip(number("clip")))
        .expect("in range")
        .decay(Decay::beta(number("beta")).expect("in range"))
        .scale_decay(Decay::beta(number("beta_scale")).expect("in range"))
}

fn spec<T: Float>(file: &Value) -> NumeratorSpec<T> {
    let number = |name: &str| file[name].as_f64().expect("a number");
    NumeratorSpec::new(number("mu"), number("beta"), number("beta_scale"), number("clip"))
}

fn the_oracle_gives_the_vectors<T: Float>() {
    let file = file();
    let spec = spec::<T>(&file);
    let relaxed = RelaxedSpec { mu: spec.mu, alpha: spec.alpha };
    let (mut states, mut averages) = ([[T::ZERO; 3]; 5], [T::ZERO; 5]);
    for (t, row) in rows(&file).iter().enumerate() {
        let (w, g) = (column::<T>(row, "w"), column::<T>(row, "g"));
        let a = spec.steps(&mut states, &w, &g);
        for (index, name) in ["u_hat", "s", "a_tilde"].into_iter().enumerate() {
            close(&states.map(|state| state[index]), row, name, &format!("the oracle, step {t}"));
        }
        close(&a, row, "a", &format!("the oracle, step {t}"));
        let b: Vec<T> = (0..5).map(|i| relaxed.step(&mut averages[i], w[i], g[i])).collect();
        close(&b, row, "relaxed", &format!("the oracle, step {t}"));
        let expected = row["layer_mean"].as_f64().expect("a number");
        assert!((mean(&a).to_f64() - expected).abs() <= tolerance::<T>() * expected, "step {t}");
    }
}

fn the_layer_gives_the_vectors<T: Float>() {
    let file = file();
    every_backend(|backend| {
        let mut layer = Layer::<Numerator, T>::new(numerator(&file), 5).unwrap().with_backend(backend).unwrap();
        let relaxed = RelaxedNumerator::new(0.01).unwrap().decay(Decay::beta(0.99).unwrap());
        let mut other = Layer::<RelaxedNumerator, T>::new(relaxed, 5).unwrap().with_backend(backend).unwrap();
        for (t, row) in rows(&file).iter().enumerate() {
            let (w, g) = (column::<T>(row, "w"), column::<T>(row, "g"));
            let what = format!("{backend:?}, step {t}");
            let mut a = vec![T::ZERO; 5];
            let found = layer.update_into(&w, &g, &mut a).unwrap().to_f64();
            for (column, name) in layer.state().into_iter().zip(["u_hat", "s", "a_tilde"]) {
                close(column, row, name, &what);
            }
            close(&a, row, "a", &what);
            let expected = row["layer_mean"].as_f64().expect("a number");
            assert!((found - expected).abs() <= tolerance::<T>() * expected, "{what}: {found}, not {expected}");

            let found = other.update_into(&w, &g, &mut a).unwrap().to_f64();
            close(&a, row, "relaxed", &what);
            let expected = row["relaxed_layer_mean"].as_f64().expect("a number");
            assert!((found - expected).abs() <= tolerance::<T>() * expected, "{what}: {found}, not {expected}");
        }
    });
}

/// A rule for which nothing else is given has the parameters of the documentation.
#[test]
fn the_documented_defaults() {
    let (slow, fast) = (Decay::beta(0.9999).unwrap(), Decay::beta(0.999).unwrap());
    let rule = Numerator::new(0.1).unwrap();
    let told = rule.decay(slow).scale_decay(fast).clip(4.0).unwrap().bound(Bound::MuTimesNorm);
    assert_eq!(rule, told.scale_scope(Scope::Weight));
    let rule = RelaxedNumerator::new(0.1).unwrap();
    assert_eq!(rule, rule.decay(slow));
    let rule = LearningRate::new(0.1).unwrap();
    let told = rule.decay(slow).scale_decay(fast).clip(4.0).unwrap().bound(Bound::MuTimesNorm);
    let told = told.scale_scope(Scope::Weight).norm_decay(fast).epsilon(1e-8).unwrap().smoothing(None);
    let told = told.correlated(Correlated::Gradient).floor(Floor::None).mean_decay(None);
    assert_eq!(rule, told.weight_decay(WeightDecay::None).unwrap());

    // As published, whatever was set before, but for mu and weight decay.
    let published = told.epsilon(1e-10).unwrap().smoothing(Some(Decay::beta(0.9).unwrap()));
    let published = published.correlated(Correlated::Step).mean_decay(Some(Decay::beta(0.1).unwrap()));
    let pulled = WeightDecay::Coupled(0.1);
    let other = Decay::beta(0.5).unwrap();
    let rule = rule.bound(Bound::MuTimesScale).scale_scope(Scope::Layer).floor(Floor::Norm).clip(9.0).unwrap();
    let rule = rule.decay(other).scale_decay(other).norm_decay(other).weight_decay(pulled).unwrap();
    assert_eq!(rule.as_published(), published.weight_decay(pulled).unwrap());
}

fn published_file() -> Value {
    serde_json::from_str(include_str!("../published.json")).expect("valid JSON")
}

/// Largest relative error of the published step in `f64`.
const PUBLISHED: f64 = 1e-12;

/// The errors of a story of 1,500 steps: of the rates, and of the weights every so many steps, relative to the largest
/// number among those beside it.
fn errors(rule: LearningRate, backend: evenkeel::Backend) -> [f64; 2] {
    let file = &published_file()["published"];
    let numbers = |value: &Value| -> Vec<f64> {
        value.as_array().expect("an array").iter().map(|number| number.as_f64().expect("a number")).collect()
    };
    let every = usize::try_from(file["every"].as_u64().expect("a number")).unwrap();
    let (gradients, rates) = (file["gradients"].as_array().expect("an array"), numbers(&file["rates"]));
    let expected_weights = file["weights"].as_array().expect("an array");
    assert_eq!((gradients.len(), rates.len(), expected_weights.len() * every), (1500, 1500, 1500));
    let mut weights = numbers(&file["start"]);
    let mut layer = Layer::<LearningRate>::new(rule, weights.len()).unwrap().with_backend(backend).unwrap();
    let mut worst = [0.0_f64; 2];
    for (t, (gradient, expected)) in gradients.iter().zip(rates).enumerate() {
        let rate = layer.descend(&mut weights, &numbers(gradient), |rate| rate).unwrap();
        worst[0] = worst[0].max((rate / expected - 1.0).abs());
        if (t + 1) % every == 0 {
            let expected = numbers(&expected_weights[t / every]);
            let largest = expected.iter().fold(0.0_f64, |most, w| most.max(w.abs()));
            for (found, expected) in weights.iter().zip(expected) {
                worst[1] = worst[1].max((found - expected).abs() / largest);
            }
        }
    }
    worst
}

/// The rule of the story, and its weight decay as this library counts it.
fn published_rule() -> LearningRate {
    let file = &published_file()["published"];
    let number = |name: &str| file[name].as_f64().expect("a number");
    let lambda = (1.0 - number("beta_m")) * number("rho");
    let rule = LearningRate::new(number("mu")).unwrap().as_published();
    let given = |name: &str| Decay::beta(number(name)).unwrap();
    let told = rule.decay(given("beta")).scale_decay(given("beta_s")).norm_decay(given("beta_d"));
    let told = told.smoothing(Some(given("beta_m"))).mean_decay(Some(given("beta_r")));
    assert_eq!(rule, told.clip(number("clip")).unwrap().epsilon(number("eps")).unwrap(), "the story is of the preset");
    rule.weight_decay(WeightDecay::Decoupled(lambda)).unwrap()
}

/// The published step over 1,500 steps in which weights, rates and state feed back into each other.
#[test]
fn the_published_step() {
    every_backend(|backend| {
        let [rates, weights] = errors(published_rule(), backend);
        assert!(rates <= PUBLISHED && weights <= PUBLISHED, "{backend:?}: {rates:e} and {weights:e}");
    });
}

/// Every option of the published step matters: without any one of them, the story is another.
#[test]
fn each_option_of_the_published_step() {
    let rule = published_rule();
    let others = [
        rule.correlated(Correlated::Gradient),
        rule.mean_decay(None),
        rule.smoothing(None),
        rule.floor(Floor::Norm),
        rule.bound(Bound::Mu),
        rule.bound(Bound::MuTimesScale),
        rule.scale_scope(Scope::Layer),
        rule.clip(f64::INFINITY).unwrap(),
        rule.epsilon(1e-4).unwrap(),
        rule.weight_decay(WeightDecay::None).unwrap(),
        rule.weight_decay(WeightDecay::Coupled(0.005)).unwrap(),
        rule.scale_decay(Decay::beta(0.9999).unwrap()),
    ];
    for other in others {
        let [rates, weights] = errors(other, evenkeel::Backend::Scalar);
        assert!(rates > 1e-6 && weights > 1e-8, "{other:?}: {rates:e} and {weights:e}");
    }
}

/// The readings that are options, each over the same 60 steps.
#[test]
fn the_readings() {
    let file = &published_file()["options"];
    let number = |name: &str| file[name].as_f64().expect("a number");
    let given = |name: &str| Decay::beta(number(name)).unwrap();
    let plain = Numerator::new(number("mu")).unwrap().decay(given("beta")).scale_decay(given("beta_s"));
    let plain = plain.clip(number("clip")).unwrap();
    let floored = LearningRate::new(number("mu")).unwrap().decay(given("beta")).scale_decay(given("beta_s"));
    let floored = floored.norm_decay(given("beta_d")).epsilon(number("eps")).unwrap();
    let floored = floored.bound(Bound::Mu).floor(Floor::Norm);
    every_backend(|backend| {
        let layer = |rule| Layer::<Numerator>::new(rule, 5).unwrap().with_backend(backend).unwrap();
        let mut printed = layer(plain.bound(Bound::MuTimesScale));
        let mut one_scale = layer(plain.scale_scope(Scope::Layer));
        let mut unclipped = layer(plain.clip(f64::INFINITY).unwrap());
        let mut floored = Layer::<LearningRate>::new(floored, 5).unwrap().with_backend(backend).unwrap();
        for (t, row) in rows(file).iter().enumerate() {
            let (w, g) = (column::<f64>(row, "w"), column::<f64>(row, "g"));
            let what = format!("{backend:?}, step {t}");
            let mut a = vec![0.0; 5];
            printed.update_into(&w, &g, &mut a).unwrap();
            close(&a, row, "printed", &what);
            one_scale.update_into(&w, &g, &mut a).unwrap();
            close(&a, row, "layer", &what);
            let scale = row["layer_u_hat"].as_f64().expect("a number");
            for found in one_scale.state()[0] {
                assert!((found / scale - 1.0).abs() <= tolerance::<f64>(), "{what}: {found}, not {scale}");
            }
            unclipped.update_into(&w, &g, &mut a).unwrap();
            close(unclipped.state()[2], row, "unclipped", &what);
            floored.update_into(&w, &g, &mut a).unwrap();
            close(&a, row, "floored", &what);
        }
    });
}

/// A numerator without a clip has the bits of one whose clip is the largest number.
fn no_clip<T: Float>() {
    let largest = T::LARGEST.to_f64();
    let rules = [f64::INFINITY, largest].map(|c| Numerator::new(0.1).unwrap().clip(c).unwrap());
    let mut layers = rules.map(|rule| Layer::<Numerator, T>::new(rule, 40).unwrap());
    let mut random = Random::new(22);
    for _ in 0..60 {
        let (w, g) = (random.hostile::<T>(1, 40), random.hostile::<T>(1, 40));
        let found = layers.each_mut().map(|layer| layer.update(&w, &g).unwrap().to_word());
        assert_eq!(found[0], found[1]);
    }
    let words = layers.each_ref().map(|layer| layer.state().map(|column| column.iter().map(|n| n.to_word()).collect()));
    let [infinite, large]: [[Vec<u64>; 3]; 2] = words;
    assert_eq!(infinite, large);
}

/// One scale for the layer: of the weights that are there, in all columns, and left alone where none is.
#[test]
fn a_scale_of_those_that_are_there() {
    let rule = Numerator::new(0.1).unwrap().scale_scope(Scope::Layer).scale_decay(Decay::beta(0.5).unwrap());
    let mut layer = Layer::<Numerator>::new(rule, 3).unwrap();
    layer.update(&[1.0, 2.0, f64::NAN], &[4.0, -1.0, 100.0]).unwrap();
    assert_eq!(layer.state()[0], [1.5; 3]); // half of the way to (4 + 2) / 2
    let before = layer.state().map(<[f64]>::to_vec);
    layer.update(&[1.0, f64::NAN, 2.0], &[f64::NAN, 1.0, f64::NAN]).unwrap();
    assert_eq!(layer.state().map(<[f64]>::to_vec), before);
}

/// The average of the layer mean begins at 0, is remembered, and goes with the other ways to update.
#[test]
fn the_average_of_the_layer_mean() {
    let rule = LearningRate::new(0.1).unwrap().decay(Decay::beta(0.0).unwrap());
    let averaging = rule.mean_decay(Some(Decay::beta(0.75).unwrap()));
    let mut plain = Layer::<LearningRate>::new(rule, 2).unwrap();
    let mut layer = Layer::<LearningRate>::new(averaging, 2).unwrap();
    let (w, g) = ([1.0, -0.5], [0.5, 2.0]);
    let mean = plain.update(&w, &g).unwrap();
    assert!(mean > 0.0);
    assert_eq!((layer.mean(), layer.update(&w, &g).unwrap()), (0.0, 0.25 * mean));
    let expected = layer.mean() + 0.25 * (plain.update(&w, &g).unwrap() - layer.mean());
    let mut updates = [layer.with(&w, &g).unwrap()];
    evenkeel::update_layers(&mut updates, evenkeel::Threads::One);
    assert_eq!(updates[0].mean(), expected);
    assert_eq!(layer.mean(), expected);
    // Columns of one's own remember nothing.
    let sweep = evenkeel::Sweep::<LearningRate>::new(averaging).unwrap();
    assert_eq!(sweep.averaged_mean(1.0, 3.0), 1.5);
    let (state, steps, before) = (layer.state().map(<[f64]>::to_vec), layer.steps(), layer.mean());
    let next = layer.update(&w, &g).unwrap();
    layer.reset();
    assert_eq!(layer.mean(), 0.0);
    layer.restore(state.each_ref().map(Vec::as_slice), steps).unwrap();
    assert_eq!(layer.mean(), 0.0);
    layer.restore_mean(before);
    assert_eq!(layer.update(&w, &g).unwrap(), next);
}

/// A gradient that never changes: everything has a closed form.
#[test]
fn a_constant_gradient() {
    let (mu, beta) = (0.01_f64, 0.9_f64);
    let rule = Numerator::new(mu).unwrap().decay(Decay::beta(beta).unwrap());
    let mut layer = Layer::<Numerator>::new(rule, 1).unwrap();
    let (w, g) = (0.5, 2.0);
    let mut rate = 0.0;
    for _ in 0..20_000 {
        rate = layer.update(&[w], &[g]).unwrap();
    }
    let s_bar = 1.0 + w * w;
    // The gain of a~ is 1 / (1 - beta), so that it meets the bound of the output: mu / s_bar / 0.1 > mu s_bar.
    assert!(mu / s_bar * w * g / (1.0 - beta) > mu * s_bar);
    assert!((rate - mu * s_bar).abs() < 1e-12);
    assert!((layer.state()[2][0] - mu / s_bar * w * g / (1.0 - beta)).abs() < 1e-12);

    let mut flat = Layer::<Numerator>::new(rule.bound(Bound::Mu), 1).unwrap();
    (0..20_000).for_each(|_| rate = flat.update(&[w], &[g]).unwrap());
    assert!((rate - mu).abs() < 1e-15);
}

/// In `f32` a beta near one is the beta that was asked for: what `f32` averages to is what `f64` averages to.
#[test]
fn the_gain_at_a_beta_near_one() {
    let rule = Numerator::new(1e-3).unwrap().clip(1e6).unwrap();
    let mut single = Layer::<Numerator, f32>::new(rule, 1).unwrap();
    let mut double = Layer::<Numerator>::new(rule, 1).unwrap();
    let mut random = Random::new(3);
    let mut sums = [[0.0; 3]; 2];
    for t in 0..300_000 {
        #[allow(clippy::cast_possible_truncation)] // any number will do
        let w = random.between(0.8, 1.2) as f32;
        single.update(&[w], &[0.01]).unwrap();
        double.update(&[w.into()], &[0.01]).unwrap();
        if t >= 100_000 {
            let states = [single.state().map(|column| f64::from(column[0])), double.state().map(|column| column[0])];
            for (sum, number) in sums.iter_mut().flatten().zip(states.into_iter().flatten()) {
                *sum += number;
            }
        }
    }
    for (single, double) in sums[0].into_iter().zip(sums[1]) {
        // With beta rounded to f32 they would be 1.7e-4 apart, u_hat 4.7e-5.
        assert!((single / double - 1.0).abs() < 5e-6, "{single}, not {double}");
    }
}

/// A missing sample changes no state and counts with its last `a`; an infinite one leaves it finite.
fn samples_that_are_none<T: Float>() {
    fn check<R: LayerRule, T: Float>(rule: &R) {
        let t = T::from_f64;
        every_backend(|backend| {
            let mut layer = Layer::<R, T>::new(rule.clone(), 3).unwrap().with_backend(backend).unwrap();
            let w = [t(0.5), t(-2.0), t(1.0)];
            let mut last = [T::ZERO; 3];
            for _ in 0..50 {
                layer.update_into(&w, &[t(1.0), t(0.5), t(-3.0)], &mut last).unwrap();
            }
            let before = layer.state().as_ref().iter().map(|column| column[1].to_word()).collect::<Vec<_>>();
            let others = layer.state().as_ref()[0][0].to_word();
            let mut a = [T::ZERO; 3];
            layer.update_into(&w, &[t(1.0), T::NAN, t(-3.0)], &mut a).unwrap();
            let found = layer.update_into(&[w[0], T::NAN, w[2]], &[t(0.25), t(0.5), t(-3.0)], &mut a).unwrap();
            let after = layer.state().as_ref().iter().map(|column| column[1].to_word()).collect::<Vec<_>>();
            assert_eq!(before, after, "{rule:?}");
            assert_ne!(others, layer.state().as_ref()[0][0].to_word(), "the other weights moved");
            assert_eq!(a[1].to_word(), last[1].to_word());
            assert_eq!(found.to_word(), mean(&a).to_word());

            let worst = [T::INFINITY, -T::INFINITY, T::LARGEST, -T::LARGEST, T::SUBNORMAL, T::ZERO, -T::ZERO];
            for w in worst {
                for g in worst {
                    let found = layer.update(&[w, t(0.5), g], &[g, g, t(0.5)]).unwrap();
                    assert!(found.finite(), "{rule:?}: {w} {g}");
                    for column in layer.state() {
                        assert!(column.iter().all(|number| number.finite()), "{rule:?}: {w} {g}: {column:?}");
                    }
                }
            }
        });
    }
    check::<_, T>(&Numerator::new(0.1).unwrap());
    check::<_, T>(&Numerator::new(1e30).unwrap().decay(Decay::beta(0.5).unwrap()));
    check::<_, T>(&Numerator::new(1e30).unwrap().decay(Decay::beta(0.0).unwrap()).bound(Bound::Mu));
    check::<_, T>(&RelaxedNumerator::new(0.1).unwrap());
    let large = Numerator::new(1e30).unwrap().decay(Decay::beta(0.0).unwrap()).bound(Bound::MuTimesScale);
    check::<_, T>(&large.clip(f64::INFINITY).unwrap());
    check::<_, T>(&RelaxedNumerator::new(0.4).unwrap().decay(Decay::beta(0.0).unwrap()));
    let rate = LearningRate::new(0.1).unwrap();
    check::<_, T>(&rate);
    check::<_, T>(&rate.norm_decay(Decay::beta(0.0).unwrap()).weight_decay(WeightDecay::Coupled(0.5)).unwrap());
    check::<_, T>(&rate.floor(Floor::Norm).bound(Bound::MuTimesScale));
    let pulled = rate.as_published().weight_decay(WeightDecay::Decoupled(1e20)).unwrap();
    check::<_, T>(&pulled.mean_decay(None).smoothing(None));
    check::<_, T>(&LearningRate::new(1e30).unwrap().floor(Floor::Norm).correlated(Correlated::Step));
}

both_types!(the_oracle_gives_the_vectors, the_layer_gives_the_vectors, no_clip, samples_that_are_none);
