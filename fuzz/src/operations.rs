//! Target `operations`: a bank in the hands of somebody who calls anything in any order, against one specification per
//! channel. Calls that must fail must fail, and change nothing.

use crate::assert_words;
use crate::draw::{Belief, Draw};
use crate::oracle::{Float, Outcome, Spec, cleaned, grid};
use crate::rules::{Drawn, Made};
use core::num::NonZeroUsize;
use evenkeel::{Backend, Bank, Outputs, Scored, Threads};

pub fn check(bytes: &[u8]) {
    // Begun on each backend in turn: what an operation does must not depend on it.
    for backend in Backend::available() {
        let (mut draw, mut again) = (Draw::new(bytes), Draw::new(bytes));
        if draw.flag() {
            again.flag();
            check_as::<f32, Spec<f32>>(&mut draw, backend);
            check_as::<f32, cleaned::Spec<f32>>(&mut again, backend);
        } else {
            again.flag();
            check_as::<f64, Spec<f64>>(&mut draw, backend);
            check_as::<f64, cleaned::Spec<f64>>(&mut again, backend);
        }
    }
}

struct Model<T: Float, O: Drawn<T>> {
    spec: O,
    thresholds: [f64; 8],
    states: Vec<O::State>,
}

impl<T: Float, O: Drawn<T>> Model<T, O> {
    fn belief(&self, channel: usize) -> Belief<T> {
        self.spec.belief(self.states.get(channel).unwrap_or(&O::unseen()))
    }
    fn beliefs(&self) -> Vec<Belief<T>> {
        self.states.iter().map(|state| self.spec.belief(state)).collect()
    }
    fn step(&mut self, channel: usize, sample: T) -> Outcome<T> {
        let (next, outcome) = self.spec.step(&self.states[channel], sample, None);
        self.states[channel] = next;
        outcome
    }
    fn row(&mut self, row: &[T]) -> Vec<T> {
        row.iter().enumerate().map(|(channel, &sample)| self.step(channel, sample).score).collect()
    }
    fn draw_row(&self, draw: &mut Draw) -> Vec<T> {
        draw.row(&self.beliefs(), &self.thresholds)
    }
}

fn check_as<T: Float, O: Drawn<T>>(draw: &mut Draw, backend: Backend) {
    let Some(Made { rule, spec, thresholds, .. }) = O::drawn(draw) else { return };
    let channels = draw.below(40);
    let Ok(bank) = Bank::<O::Rule, T>::new(rule, channels) else { return };
    let mut bank = bank.with_backend(backend).expect("available");
    let mut model = Model { spec, thresholds, states: vec![O::unseen(); channels] };
    for _ in 0..200 {
        if draw.is_empty() {
            break;
        }
        let operation = draw.below(20);
        bank = operate(draw, bank, &mut model, operation);
        compare(&bank, &model, operation);
    }
}

fn operate<T: Float, O: Drawn<T>>(
    draw: &mut Draw,
    mut bank: Bank<O::Rule, T>,
    model: &mut Model<T, O>,
    operation: usize,
) -> Bank<O::Rule, T> {
    let channels = model.states.len();
    match operation {
        0..=2 => {
            let row = model.draw_row(draw);
            bank.update(&row).expect("one sample a channel");
            model.row(&row);
        }
        3 | 4 => {
            let mut block = Vec::new();
            for _ in 0..draw.below(6) {
                let row = model.draw_row(draw);
                model.row(&row);
                block.extend(row);
            }
            bank.update_rows(&block).expect("whole rows");
        }
        5 => {
            let row = model.draw_row(draw);
            let mut scores = vec![T::from_f64(-7.0); channels];
            bank.update_scored(&row, &mut scores).expect("one sample a channel");
            assert_words(&scores, &model.row(&row), || format!("scores, {bank:?}"));
        }
        6 | 7 => scattered(draw, &mut bank, model),
        8 => observe(draw, &mut bank, model),
        9 => {
            let channel = draw.below(48);
            assert_eq!(bank.reset(channel).is_ok(), channel < channels);
            if let Some(state) = model.states.get_mut(channel) {
                *state = O::unseen();
            }
        }
        10 => {
            let more = draw.below(9);
            if channels + more <= 200 {
                bank.extend(more).expect("there is memory");
                model.states.resize(channels + more, O::unseen());
            }
        }
        11 => {
            // A backend that is not there is refused; the bank that was refused is lost, so a clone is asked.
            let backend = draw.one_of(Backend::ALL);
            let there = Backend::available().any(|available| available == backend);
            match bank.clone().with_backend(backend) {
                Ok(moved) => {
                    assert!(there && moved.backend() == backend);
                    bank = moved;
                }
                Err(error) => assert!(!there && error.backend == backend),
            }
        }
        12 => {
            let threads = NonZeroUsize::new(draw.below(40)).map_or(Threads::One, Threads::Parts);
            bank = bank.with_threads(if draw.flag() { Threads::Auto } else { threads });
        }
        13 => {
            // The original dies with other samples in it.
            let clone = bank.clone();
            bank.update(&vec![T::ONE; channels]).expect("one sample a channel");
            bank = clone;
        }
        14 => refused(draw, &mut bank, channels),
        15 => series(draw, &mut bank, model),
        16 | 17 => channel(draw, &mut bank, model),
        18 => {
            let (channel, step) = (draw.below(48), draw.number(&[1.0, 0.1, 1e-6, 0.0, 1e-7, 0.3]));
            let step = if step >= 0.0 { step } else { 1.0 };
            assert_eq!(bank.begin(channel, step).is_ok(), channel < channels);
            // Nothing happens to a channel that has seen a sample, or without a rule that learns.
            if let Some(state) = model.states.get_mut(channel)
                && model.spec.learns()
                && *O::age(state) == T::ZERO
            {
                *O::exponent(state) = grid::exponent(step);
            }
        }
        _ => {
            let row = model.draw_row(draw);
            for _ in 0..draw.below(64) {
                bank.update(&row).expect("one sample a channel");
                model.row(&row);
            }
        }
    }
    bank
}

/// Some channels, some of them more than once, and now and then one that does not exist.
fn scattered<T: Float, O: Drawn<T>>(draw: &mut Draw, bank: &mut Bank<O::Rule, T>, model: &mut Model<T, O>) {
    let channels = model.states.len();
    let count = draw.below(40);
    let beyond = draw.below(8) == 0;
    let named: Vec<usize> = (0..count).map(|_| draw.below(if beyond { 256 } else { channels.max(1) })).collect();
    let beliefs: Vec<Belief<T>> = named.iter().map(|&channel| model.belief(channel)).collect();
    let samples = draw.row(&beliefs, &model.thresholds);
    let exist = named.iter().all(|&channel| channel < channels);
    assert_eq!(bank.update_at(&named, &samples).is_ok(), exist, "{named:?} of {channels}");
    if exist {
        for (&channel, &sample) in named.iter().zip(&samples) {
            model.step(channel, sample);
        }
    }
}

/// A block of samples by channels, each channel's in a slice of its own.
fn series<T: Float, O: Drawn<T>>(draw: &mut Draw, bank: &mut Bank<O::Rule, T>, model: &mut Model<T, O>) {
    let channels = model.states.len();
    let mut series = vec![Vec::new(); channels];
    for _ in 0..draw.below(100) {
        let row = model.draw_row(draw);
        model.row(&row);
        series.iter_mut().zip(row).for_each(|(series, sample)| series.push(sample));
    }
    bank.update_series(&series).expect("one series a channel");
    series.push(vec![T::ONE; series.first().map_or(0, Vec::len)]);
    assert!(bank.update_series(&series).is_err());
    series.pop();
    if let Some(last) = series.last_mut().filter(|_| channels > 1) {
        last.push(T::ONE);
        assert!(bank.update_series(&series).is_err());
    }
}

/// A stretch of one channel's samples, with the location after each or without.
fn channel<T: Float, O: Drawn<T>>(draw: &mut Draw, bank: &mut Bank<O::Rule, T>, model: &mut Model<T, O>) {
    let channel = draw.below(48);
    let (mut samples, mut expected) = (Vec::new(), Vec::new());
    for _ in 0..draw.below(30) {
        samples.push(draw.sample(model.belief(channel), &model.thresholds));
        if channel < model.states.len() {
            model.step(channel, samples[samples.len() - 1]);
            expected.push(model.spec.reading(&model.states[channel])[0]);
        }
    }
    let mut locations = vec![T::from_f64(-7.0); samples.len()];
    let into = draw.flag();
    let result = if into {
        let mut long = [T::ONE; 31];
        let outputs = Outputs { locations: Some(&mut long), ..Outputs::default() };
        assert!(bank.update_channel_into(channel, &samples, outputs).is_err());
        let outputs = Outputs { locations: Some(&mut locations), ..Outputs::default() };
        bank.update_channel_into(channel, &samples, outputs)
    } else {
        bank.update_channel(channel, &samples)
    };
    assert_eq!(result.is_ok(), channel < model.states.len());
    if into && result.is_ok() {
        assert_words(&locations, &expected, || format!("locations of channel {channel}, {bank:?}"));
    }
}

fn observe<T: Float, O: Drawn<T>>(draw: &mut Draw, bank: &mut Bank<O::Rule, T>, model: &mut Model<T, O>) {
    let channel = draw.below(48);
    let sample = draw.sample(model.belief(channel), &model.thresholds);
    let Ok(seen) = bank.observe(channel, sample) else {
        assert!(channel >= model.states.len());
        return;
    };
    let outcome = model.step(channel, sample);
    let found = (seen.accepted, seen.outlier, seen.reopened, seen.score.to_word());
    let reopened = outcome.opened && !outcome.first;
    assert_eq!(found, (outcome.accepted, outcome.strike, reopened, outcome.score.to_word()));
}

/// Lengths that do not fit.
fn refused<R: Scored, T: Float>(draw: &mut Draw, bank: &mut Bank<R, T>, channels: usize) {
    let length = draw.below(100);
    let samples = vec![T::from_f64(1e9); length];
    if length != channels {
        assert!(bank.update(&samples).is_err());
        assert!(bank.update_scored(&samples, &mut vec![T::ZERO; length]).is_err());
        assert!(bank.update_scored(&vec![T::ONE; channels], &mut samples.clone()).is_err());
        assert!(bank.update_at(&vec![0; channels], &samples).is_err());
    }
    if !length.is_multiple_of(channels) {
        assert!(bank.update_rows(&samples).is_err());
    }
}

fn compare<T: Float, O: Drawn<T>>(bank: &Bank<O::Rule, T>, model: &Model<T, O>, operation: usize) {
    let what = || format!("after operation {operation}, {bank:?}");
    assert_eq!((bank.len(), bank.is_empty()), (model.states.len(), model.states.is_empty()));
    for (channel, (reading, state)) in bank.readings().zip(&model.states).enumerate() {
        let expected = model.spec.reading(state);
        assert_words(&[reading.location, reading.scale, reading.age], &expected, || format!("{channel} {}", what()));
        let step = model.spec.learns().then(|| grid::step(*O::exponent(&mut state.clone())));
        assert_eq!(bank.step(channel), step, "{channel} {}", what());
    }
    assert!(bank.reading(model.states.len()).is_none());
}
