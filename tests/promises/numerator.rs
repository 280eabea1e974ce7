//! Promise: the numerator's specification.
//!
//! `numerator.json` is the output of `numerator.py`: 60 steps of five weights under a heavy-tailed gradient with giant
//! spikes. State, outputs and layer means must come out to 1e-12 in `f64` and 1e-5 in `f32`, on every backend; and so
//! must those of the plain loop that the other tests rely on.

use crate::{oracle, support};
use evenkeel::{Bound, Decay, Layer, LayerRule, LearningRate, Numerator, RelaxedNumerator, WeightDecay};
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
        let a: Vec<T> = (0..5).map(|i| spec.step(&mut states[i], w[i], g[i])).collect();
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
    assert_eq!(rule, rule.decay(slow).scale_decay(fast).clip(4.0).unwrap().bound(Bound::MuTimesNorm));
    let rule = RelaxedNumerator::new(0.1).unwrap();
    assert_eq!(rule, rule.decay(slow));
    let rule = LearningRate::new(0.1).unwrap();
    let told = rule.decay(slow).scale_decay(fast).clip(4.0).unwrap().bound(Bound::MuTimesNorm);
    let told = told.norm_decay(fast).epsilon(1e-8).unwrap().smoothing(None);
    assert_eq!(rule, told.weight_decay(WeightDecay::None).unwrap());
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
    check::<_, T>(&RelaxedNumerator::new(1e30).unwrap().decay(Decay::beta(0.0).unwrap()));
    let rate = LearningRate::new(0.1).unwrap();
    check::<_, T>(&rate);
    check::<_, T>(&rate.norm_decay(Decay::beta(0.0).unwrap()).weight_decay(WeightDecay::Coupled(0.5)).unwrap());
}

both_types!(the_oracle_gives_the_vectors, the_layer_gives_the_vectors, samples_that_are_none);
