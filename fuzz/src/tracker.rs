//! Target `tracker`: any keys and samples against a map of specifications, the order of first appearance, and counters kept
//! apart. A tracker takes one sample at a time and so runs on one lane whatever the backend; its bank is then carried on, on
//! every backend.

use crate::assert_words;
use crate::draw::Draw;
use crate::oracle::{Float, Spec, cleaned};
use crate::rules::{Drawn, Made};
use evenkeel::{Backend, Sweep, Tracker};
use std::collections::HashMap;

pub fn check(bytes: &[u8]) {
    let (mut draw, mut again) = (Draw::new(bytes), Draw::new(bytes));
    if draw.flag() {
        again.flag();
        check_as::<f32, Spec<f32>>(&mut draw);
        check_as::<f32, cleaned::Spec<f32>>(&mut again);
    } else {
        again.flag();
        check_as::<f64, Spec<f64>>(&mut draw);
        check_as::<f64, cleaned::Spec<f64>>(&mut again);
    }
}

#[derive(Clone, Copy)]
struct Known<S, T> {
    state: S,
    score: T,
    samples: u64,
    outliers: u64,
}

struct Model<T: Float, O: Drawn<T>> {
    spec: O,
    thresholds: [f64; 8],
    series: HashMap<String, Known<O::State, T>>,
    order: Vec<String>,
}

fn check_as<T: Float, O: Drawn<T>>(draw: &mut Draw) {
    let Some(Made { rule, spec, thresholds, .. }) = O::drawn(draw) else { return };
    let Ok(mut tracker) = Tracker::<String, O::Rule, T>::new(rule) else { return };
    let mut model = Model { spec, thresholds, series: HashMap::new(), order: Vec::new() };
    for _ in 0..500 {
        if draw.is_empty() {
            break;
        }
        match draw.below(8) {
            0 => {
                let batch: Vec<(String, T)> = (0..draw.below(12)).map(|_| model.draw(draw)).collect();
                let borrowed = batch.iter().map(|(key, sample)| (key.as_str(), *sample));
                tracker.update_batch(borrowed).expect("there is memory");
                batch.iter().for_each(|(key, sample)| model.update(key, *sample, None));
            }
            1 => {
                let key = key(draw);
                assert_eq!(tracker.get(key.as_str()).is_some(), model.series.contains_key(&key), "{key:?}");
            }
            2 => {
                let clone = tracker.clone();
                tracker.update("another", T::ONE).expect("there is memory");
                tracker = clone;
            }
            _ => {
                let (key, sample) = model.draw(draw);
                let seen = tracker.update(key.as_str(), sample).expect("there is memory");
                model.update(&key, sample, Some((seen.accepted, seen.outlier, seen.reopened, seen.score)));
            }
        }
    }
    model.compare(&tracker);
    carry_on(draw, &tracker, &model);
}

/// Any bytes make a key. Most are short, so that they come again; the empty one is a key, too.
fn key(draw: &mut Draw) -> String {
    let length = [1, 1, 1, 0, 2, 9][draw.below(6)];
    (0..length).map(|_| char::from(draw.byte())).collect()
}

impl<T: Float, O: Drawn<T>> Model<T, O> {
    fn draw(&self, draw: &mut Draw) -> (String, T) {
        let key = key(draw);
        let state = self.series.get(&key).map_or(O::unseen(), |known| known.state);
        let sample = draw.sample(self.spec.belief(&state), &self.thresholds);
        (key, sample)
    }

    fn update(&mut self, key: &str, sample: T, said: Option<(bool, bool, bool, T)>) {
        if !self.series.contains_key(key) {
            self.order.push(key.to_owned());
        }
        let unseen = Known { state: O::unseen(), score: T::NAN, samples: 0, outliers: 0 };
        let known = self.series.entry(key.to_owned()).or_insert(unseen);
        let (state, outcome) = self.spec.step(&known.state, sample, None);
        if let Some((accepted, outlier, reopened, score)) = said {
            let expected = (outcome.accepted, outcome.strike, outcome.opened && !outcome.first);
            assert_eq!((accepted, outlier, reopened), expected, "{key:?}, {sample:?}");
            assert_words(&[score], &[outcome.score], || format!("score of {key:?}, {sample:?}"));
        }
        known.state = state;
        if outcome.accepted {
            known.score = outcome.score;
            known.samples += 1;
            known.outliers += u64::from(outcome.strike);
        }
    }

    fn compare(&self, tracker: &Tracker<String, O::Rule, T>) {
        assert_eq!((tracker.len(), tracker.is_empty()), (self.order.len(), self.order.is_empty()));
        assert!(tracker.iter().map(|(key, _)| key).eq(&self.order), "order of first appearance");
        for (key, series) in tracker.iter() {
            let known = &self.series[key];
            assert_eq!((series.samples, series.outliers), (known.samples, known.outliers), "{key:?}");
            // A series that has only missed has neither location nor scale to show.
            let [location, scale, _] = self.spec.reading(&known.state);
            let expected = [location, scale, known.score];
            assert_words(&[series.location, series.scale, series.score], &expected, || format!("{key:?}"));
            let got = tracker.get(key).expect("it was just there");
            assert_eq!((got.samples, got.location.to_word()), (series.samples, series.location.to_word()));
        }
    }
}

/// The columns of the tracker's bank are columns: rows of one more sample for every series, on every backend.
fn carry_on<T: Float, O: Drawn<T>>(draw: &mut Draw, tracker: &Tracker<String, O::Rule, T>, model: &Model<T, O>) {
    let row: Vec<T> = {
        let mut random = draw.random();
        model.order.iter().map(|_| T::from_f64(10.0 + random.gauss())).collect()
    };
    for backend in Backend::available() {
        let sweep = Sweep::<O::Rule, T>::new(*tracker.bank().rule()).expect("the tracker has it");
        let sweep = sweep.with_backend(backend).expect("available");
        let mut columns = tracker.bank().columns().clone();
        let mut states: Vec<_> = model.order.iter().map(|key| model.series[key].state).collect();
        for _ in 0..3 {
            sweep.update(columns.as_mut_slices(), &row).expect("one sample a channel");
            states.iter_mut().zip(&row).for_each(|(state, &sample)| *state = model.spec.step(state, sample, None).0);
        }
        for (channel, state) in states.iter().enumerate() {
            let reading = sweep.reading(&columns.state(channel).expect("one a state"));
            let found = [reading.location, reading.scale, reading.age];
            assert_words(&found, &model.spec.reading(state), || format!("channel {channel}, {sweep:?}"));
        }
    }
}
