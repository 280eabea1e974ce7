//! Target `expiry`: a `Tracker` under any limits, times, keys and samples, against the plain list of `tests/oracle/tracker`; now
//! and then it goes through a snapshot, and goes on as if nothing had happened.

use crate::draw::{Belief, Draw};
use crate::oracle::tracker::{Answer, HALF_LIFE, Model};
use crate::oracle::{Float, Parameters, Spec, cleaned};
use crate::rules::{self, Drawn};
use core::time::Duration;
use evenkeel::{Decay, Idle, Overflow, Resolution, Tracker};

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

fn check_as<T: Float, O: Drawn<T>>(draw: &mut Draw) {
    let in_time = draw.flag();
    let has_times = in_time || draw.flag();
    let resolution = if draw.flag() { Resolution::Learn } else { Resolution::default() };
    let decay = if in_time { Decay::half_life_time(HALF_LIFE) } else { Decay::half_life(60.0) };
    let (rule, spec) = O::with(decay.expect("a good half-life"), resolution);
    let idle = match draw.below(3) {
        0 => None,
        1 if has_times => Some(Idle::Time(Duration::from_secs(draw.byte().into()))),
        _ => Some(Idle::Samples(draw.byte().into())),
    };
    let most = draw.one_of(&[usize::MAX, 0, 1, 2, 3, 5, 9]);
    let overflow = draw.one_of(&[Overflow::Refuse, Overflow::Evict]);
    let new = || {
        let tracker = Tracker::<u32, O::Rule, T>::new(rule).expect("a good rule").max_series(most, overflow);
        match idle {
            Some(idle) => tracker.max_idle(idle),
            None => tracker,
        }
    };
    let mut tracker = new();
    let mut model = Model::new(spec, most, overflow, idle);
    let thresholds = rules::thresholds(&Parameters::new(0.5));
    let mut time = 0_i64;
    for _ in 0..500 {
        if draw.is_empty() {
            break;
        }
        let key = draw.below(16) as u32;
        match draw.below(16) {
            0 => {
                let removed = tracker.remove(&key).map(|series| series.samples);
                let place = model.series.iter().position(|known| known.key == key);
                assert_eq!(removed, place.map(|place| model.series[place].samples));
                if let Some(place) = place {
                    model.series.remove(place);
                    model.counters.removed += 1;
                }
            }
            1 => {
                tracker.expire();
                model.forget_idle(usize::MAX);
            }
            2 => {
                let mut bytes = Vec::new();
                tracker.write_snapshot(&mut bytes, &[]).expect("a vector takes anything");
                tracker = new();
                tracker.read_snapshot(&bytes).expect("it was just written");
            }
            3 => time = time.saturating_add(i64::from(draw.byte()) * 10_000_000_000),
            5 => {
                let step = [None, Some(1.0), Some(0.01), Some(0.0), Some(0.3)][draw.below(5)];
                let expected = model.begin(key, step);
                let said = tracker.begin(&key, step).map_err(|error| Answer::of::<T>(Err(error), &Answer::Full));
                assert_eq!(said, expected, "{key}, {step:?}");
            }
            4 => time = draw.one_of(&[0, i64::MAX, i64::MIN + 1, time]),
            _ => {
                let step = draw.one_of(&[1, 0, 1, -1, 1, 3, 1, 60]);
                time = time.saturating_add(step * 1_000_000_000).max(i64::MIN + 1);
                let known = model.series.iter().find(|known| known.key == key);
                let none = Belief { location: T::NAN, scale: T::NAN };
                let belief = known.map_or(none, |known| model.spec.belief(&known.state));
                let sample = draw.sample(belief, &thresholds);
                let (said, time) = if has_times {
                    (tracker.update_at(&key, time, sample), Some(time))
                } else {
                    (tracker.update(&key, sample), None)
                };
                let expected = model.update(key, time, sample);
                assert_eq!(Answer::of(said, &expected), expected, "{key}, {time:?}, {sample:?}");
            }
        }
    }
    model.compare(&tracker);
}
