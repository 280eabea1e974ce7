//! Promise: the specification to the bit.
//!
//! `robust_mean.json` is the output of the executable specification: 250 samples that visit every branch, for three presets
//! and both lane types. Every column of every row must come out, on every backend, wherever in the bank the channel lies,
//! together with what `observe` says about the sample.

use crate::{oracle, support};
use evenkeel::{Bank, Columns, Decay, RobustMean, Sweep};
use oracle::{Float, Parameters, Spec, State};
use serde_json::Value;
use support::{both_types, every_backend};

/// One line of the file: the sample, the state after it and whether it opened the estimate.
struct Row<T> {
    sample: T,
    state: State<T>,
    opened: bool,
}

/// JSON has no NaN and no infinities: they travel as strings.
fn number<T: Float>(value: &Value) -> T {
    match value {
        Value::String(text) => match text.as_str() {
            "NaN" => T::NAN,
            "Inf" => T::INFINITY,
            "-Inf" => -T::INFINITY,
            other => panic!("not a number: {other}"),
        },
        value => T::from_f64(value.as_f64().expect("a number")),
    }
}

fn rows<T: Float>(preset: &str) -> Vec<Row<T>> {
    let file: Value = serde_json::from_str(include_str!("../robust_mean.json")).expect("valid JSON");
    assert_eq!(file["columns"].to_string(), r#"["location","scale","last_strike","strikes","age","reopened"]"#);
    assert_eq!(file["alpha"].as_f64(), Some(0.01));
    let key = format!("{preset}_float{}", 8 * size_of::<T>());
    let inputs = file["input"].as_array().expect("an array");
    let states = file[&key].as_array().expect("an array");
    assert_eq!(inputs.len(), states.len());
    assert!(inputs.len() >= 250, "the story is there");
    let row = |(input, row): (&Value, &Value)| Row {
        sample: number(input),
        state: State {
            location: number(&row[0]),
            scale: number(&row[1]),
            last_strike: number(&row[2]),
            strikes: number(&row[3]),
            age: number(&row[4]),
        },
        opened: row[5].as_u64() == Some(1),
    };
    inputs.iter().zip(states).map(row).collect()
}

/// The presets of the file: name, rule, and the oracle's parameters.
fn presets() -> [(&'static str, RobustMean, Parameters); 3] {
    let rule = RobustMean::new(Decay::alpha(0.01).expect("valid"));
    let p = Parameters::new(0.01);
    [
        ("default", rule, p),
        ("huber", rule.mean_faithful(), Parameters::mean_faithful(0.01)),
        ("resolution_1", rule.resolution(1.0).expect("valid"), Parameters { resolution_floor: 0.5, ..p }),
    ]
}

/// The oracle that the other tests rely on is itself the specification.
fn the_oracle_gives_the_vectors<T: Float>() {
    for (preset, _, parameters) in presets() {
        let spec = Spec::<T>::new(&parameters);
        let mut state = State::unseen();
        for (index, row) in rows::<T>(preset).iter().enumerate() {
            let (next, outcome) = spec.step(&state, row.sample);
            assert_eq!(next.words(), row.state.words(), "{preset}, row {index}");
            assert_eq!(next.age, row.state.age, "{preset}, row {index}");
            assert_eq!(outcome.opened, row.opened, "{preset}, row {index}");
            state = next;
        }
    }
}

/// Every column, at every position: the channels around the one under test see the same story some rows later, so that a
/// vector holds channels in different states.
fn sweeps_give_the_vectors<T: Float>() {
    for (preset, rule, _) in presets() {
        let story = rows::<T>(preset);
        every_backend(|backend| {
            for channels in [1, 2, 7, 16, 33] {
                let sweep = Sweep::<RobustMean, T>::new(rule).unwrap().with_backend(backend).unwrap();
                let mut columns = Columns::<RobustMean, T>::new(channels).unwrap();
                for time in 0..story.len() + channels {
                    let at = |channel: usize| time.checked_sub(channel).and_then(|row| story.get(row));
                    let samples: Vec<T> = (0..channels).map(|c| at(c).map_or(T::NAN, |row| row.sample)).collect();
                    sweep.update(columns.as_mut_slices(), &samples).unwrap();
                    let state = columns.as_mut_slices();
                    for channel in 0..channels {
                        let Some(row) = at(channel) else { continue };
                        let words = state.each_ref().map(|column| column[channel].to_word());
                        assert_eq!(words, row.state.words(), "{preset}, channel {channel} of {channels}, time {time}");
                    }
                }
            }
        });
    }
}

/// The public face: locations, scales and readings of a bank.
fn banks_give_the_vectors<T: Float>() {
    for (preset, rule, _) in presets() {
        let story = rows::<T>(preset);
        every_backend(|backend| {
            for channels in [1, 9] {
                let mut bank = Bank::<RobustMean, T>::new(rule, channels).unwrap().with_backend(backend).unwrap();
                for (index, row) in story.iter().enumerate() {
                    bank.update(&vec![row.sample; channels]).unwrap();
                    let state = row.state;
                    for channel in 0..channels {
                        let reading = bank.reading(channel).unwrap();
                        let seen = if state.age == T::ZERO { T::NAN } else { state.scale };
                        assert_eq!(
                            bank.locations()[channel].to_word(),
                            state.location.to_word(),
                            "{preset}, row {index}"
                        );
                        assert_eq!(bank.scales()[channel].to_word(), state.scale.to_word(), "{preset}, row {index}");
                        assert_eq!(reading.location.to_word(), state.location.to_word(), "{preset}, row {index}");
                        assert_eq!(reading.scale.to_word(), seen.to_word(), "{preset}, row {index}");
                        assert_eq!(reading.age, state.age, "{preset}, row {index}");
                    }
                    assert!(bank.ages().all(|age| age == state.age));
                }
            }
        });
    }
}

/// `observe` says which samples counted, struck and re-opened. A first sample opens in the file; to an observer it is no
/// re-opening.
fn observations_give_the_vectors<T: Float>() {
    for (preset, rule, parameters) in presets() {
        let spec = Spec::<T>::new(&parameters);
        let mut before = State::unseen();
        let mut bank = Bank::<RobustMean, T>::new(rule, 3).unwrap();
        for (index, row) in rows::<T>(preset).iter().enumerate() {
            let seen = bank.observe(1, row.sample).unwrap();
            let (_, outcome) = spec.step(&before, row.sample);
            assert_eq!(bank.locations()[1].to_word(), row.state.location.to_word(), "{preset}, row {index}");
            assert_eq!(seen.accepted, outcome.accepted, "{preset}, row {index}");
            assert_eq!(seen.outlier, outcome.strike, "{preset}, row {index}");
            assert_eq!(seen.reopened, row.opened && before.age != T::ZERO, "{preset}, row {index}");
            assert_eq!(seen.score.to_word(), outcome.score.to_word(), "{preset}, row {index}");
            before = row.state;
        }
        assert!(bank.locations()[0].nan() && bank.locations()[2].nan(), "the neighbours have seen nothing");
    }
}

both_types!(
    the_oracle_gives_the_vectors,
    sweeps_give_the_vectors,
    banks_give_the_vectors,
    observations_give_the_vectors,
);
