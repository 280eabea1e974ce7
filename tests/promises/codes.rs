//! Promise: samples by the codes of a dictionary are the samples by key, to the bit, however series come and go.

use crate::oracle::Float;
use crate::support;
use crate::support::both_types;
use allocation_counter::measure;
use core::time::Duration;
use evenkeel::{
    CleanedEma, Decay, Dictionary, Idle, Outputs, Overflow, RobustMean, Scored, Timed, TrackError, Tracker, UpdateError,
};
use support::random::Random;

fn rule() -> RobustMean {
    RobustMean::new(Decay::half_life_time(Duration::from_secs(60)).unwrap())
}

fn names() -> Vec<String> {
    let mut names: Vec<String> = (0..70).map(|n| format!("series {n}")).collect();
    names.push(names[3].clone());
    names
}

/// The columns that are written for a batch, as text.
struct Written<T> {
    numbers: [Vec<T>; 3],
    outliers: Vec<bool>,
}

impl<T: Float> Written<T> {
    fn new(length: usize) -> Self {
        // What nobody writes would be seen.
        Self { numbers: [(); 3].map(|()| vec![T::ONE; length]), outliers: vec![true; length] }
    }

    fn outputs(&mut self) -> Outputs<'_, T> {
        let [locations, scales, scores] = &mut self.numbers;
        let outliers = Some(self.outliers.as_mut_slice());
        Outputs { locations: Some(locations), scales: Some(scales), scores: Some(scores), outliers }
    }

    fn lines(&self) -> Vec<String> {
        let [locations, scales, scores] = &self.numbers;
        let line = |at: usize| format!("{:?} {:?} {:?} {}", locations[at], scales[at], scores[at], self.outliers[at]);
        (0..self.outliers.len()).map(line).collect()
    }
}

fn bytes_of<R: Scored, T: Float>(tracker: &Tracker<String, R, T>) -> Vec<u8> {
    let mut bytes = Vec::new();
    tracker.write_snapshot(&mut bytes, b"").unwrap();
    bytes
}

fn one_tracker<R: Scored + Timed, T: Float>(new: impl Fn() -> Tracker<String, R, T>) {
    let (mut by_key, mut by_code) = (new(), new());
    let mut dictionary = Dictionary::new(Vec::new());
    let names = names();
    let mut random = Random::new(93);
    let mut refusals = 0;
    for batch in 0..150 {
        // The dictionary grows as it is used, and the series that are used move through it.
        while dictionary.keys().len() < names.len().min(40 + batch) {
            let code = dictionary.keys().len();
            assert_eq!(dictionary.push(names[code].clone()), code);
        }
        let length = [0, 1, 31, 32, 33, 100][random.below(6)];
        let (mut codes, mut times, mut samples) = (Vec::new(), Vec::new(), Vec::new());
        for at in 0..length {
            let spread = if batch % 3 == 0 { 40 } else { 8 };
            codes.push(u32::try_from((batch / 4 + random.below(spread)) % dictionary.keys().len()).unwrap());
            let late = if random.below(6) == 0 { 4 } else { 0 };
            times.push((100 * i64::try_from(batch).unwrap() + at - late) * 1_000_000_000);
            samples.push(if random.below(4) == 0 { random.hostile::<T>(1, 1)[0] } else { T::from_f64(random.gauss()) });
        }
        let mut written = Written::<T>::new(codes.len());
        let refused = by_code.update_coded_at(&mut dictionary, &codes, &times, &samples, written.outputs()).unwrap();
        let mut expected = Vec::new();
        let mut expected_refused = 0;
        for ((&code, &time), &sample) in codes.iter().zip(&times).zip(&samples) {
            let key = names[code as usize].as_str();
            let line = match by_key.update_at(key, time, sample) {
                Ok(u) => format!("{:?} {:?} {:?} {}", u.location, u.scale, u.score, u.outlier),
                Err(error) => {
                    expected_refused += 1;
                    let stands = by_key.get(key).map_or((T::NAN, T::NAN), |s| (s.location, s.scale));
                    assert!(matches!(error, TrackError::Late { .. } | TrackError::Full { .. }));
                    format!("{:?} {:?} {:?} false", stands.0, stands.1, T::NAN)
                }
            };
            expected.push(line);
        }
        assert_eq!(written.lines(), expected, "batch {batch}");
        assert_eq!(refused, expected_refused);
        refusals += refused;
        assert!(bytes_of(&by_code) == bytes_of(&by_key), "batch {batch}");
        match random.below(12) {
            // What happens between two batches.
            0 => {
                let key = names[random.below(70)].as_str();
                assert_eq!(by_code.remove(key).is_some(), by_key.remove(key).is_some());
            }
            1 => by_code = by_code.clone(),
            2 => by_code.read_snapshot(&bytes_of(&by_key)).unwrap(),
            3 => {
                // Another tracker, in which the same channels are of other series.
                let mut other = new();
                for name in names.iter().rev() {
                    let _ = other.update_at(name.as_str(), 0, T::ONE);
                }
                other.update_coded_at(&mut dictionary, &[0], &[5], &[T::ONE], Outputs::default()).unwrap();
            }
            _ => {}
        }
    }
    assert!(refusals > 100);
}

fn codes_are_keys<T: Float>() {
    let new = || Tracker::<String, RobustMean, T>::new(rule()).unwrap();
    one_tracker(new);
    one_tracker(|| new().max_series(30, Overflow::Evict));
    one_tracker(|| new().max_series(30, Overflow::Refuse));
    one_tracker(|| new().max_idle(Idle::Time(Duration::from_secs(300))));
    one_tracker(|| new().max_idle(Idle::Samples(60)).max_series(35, Overflow::Evict));
    one_tracker(|| Tracker::<String, CleanedEma, T>::new(CleanedEma::new(Decay::half_life(7.0).unwrap())).unwrap());
}

fn without_times<T: Float>() {
    let rule = RobustMean::new(Decay::half_life(7.0).unwrap());
    let (mut one, mut other) = (Tracker::<u32, _, T>::new(rule).unwrap(), Tracker::<u32, _, T>::new(rule).unwrap());
    let mut dictionary = Dictionary::new(vec![7, 8, 9]);
    let codes: Vec<u32> = (0..200).map(|n| n * 7 % 3).collect();
    let samples = Random::new(94).hostile::<T>(200, 1);
    let mut written = Written::<T>::new(200);
    assert_eq!(one.update_coded(&mut dictionary, &codes, &samples, written.outputs()), Ok(0));
    for ((code, &sample), line) in codes.iter().zip(&samples).zip(written.lines()) {
        let u = other.update(&(code + 7), sample).unwrap();
        assert_eq!(line, format!("{:?} {:?} {:?} {}", u.location, u.scale, u.score, u.outlier));
    }
    let before = format!("{one:?}");
    let mut refused = |codes: &[u32], samples: &[T], outputs| {
        let error = one.update_coded(&mut dictionary, codes, samples, outputs).unwrap_err();
        assert_eq!(format!("{one:?}"), before);
        error
    };
    let nothing = Outputs::default;
    assert_eq!(refused(&[0, 3], &samples[..2], nothing()), TrackError::Code { code: 3, keys: 3 });
    assert!(matches!(refused(&[0, 1], &samples[..1], nothing()), TrackError::Update(UpdateError::Length { .. })));
    let short = Outputs { scores: Some(&mut [][..]), ..Outputs::default() };
    assert!(matches!(refused(&[0, 1], &samples[..2], short), TrackError::Update(UpdateError::Length { .. })));
    let mut timed = Tracker::<u32, RobustMean, T>::new(self::rule()).unwrap();
    let result = timed.update_coded(&mut dictionary, &[0], &samples[..1], nothing());
    assert_eq!(result, Err(TrackError::NoTime));
}

both_types!(codes_are_keys, without_times);

/// Nothing is allocated for series that are there.
#[test]
fn nothing_is_allocated() {
    let mut tracker = Tracker::<String>::new(rule()).unwrap();
    let mut dictionary = Dictionary::new(names());
    let codes: Vec<u32> = (0..71).collect();
    let (times, samples, mut scores) = ([1; 71], [1.0; 71], [0.0; 71]);
    let mut update = |scores: &mut [f64]| {
        let outputs = Outputs { scores: Some(scores), ..Outputs::default() };
        tracker.update_coded_at(&mut dictionary, &codes, &times, &samples, outputs).unwrap();
    };
    update(&mut scores);
    assert_eq!(measure(|| update(&mut scores)).count_total, 0);
}

/// The channels of a copy and of a snapshot are others, even where as many series have gone.
#[test]
fn places_are_those_of_one_tracker() {
    let keys = ["a", "b", "c"].map(str::to_owned).to_vec();
    let new = |keys: &[&str]| {
        let mut tracker = Tracker::<String>::new(rule()).unwrap();
        for key in keys {
            tracker.update_at(*key, 1, 1.0).unwrap();
        }
        tracker
    };
    let samples =
        |tracker: &Tracker<String>| ["a", "b", "c"].map(|key| tracker.get(key).map_or(0, |series| series.samples));
    let update = |tracker: &mut Tracker<String>, dictionary: &mut Dictionary<String>| {
        tracker.update_coded_at(dictionary, &[1], &[2], &[1.0], Outputs::default()).unwrap();
    };
    let mut dictionary = Dictionary::new(keys.clone());
    let mut one = new(&["a"]);
    let mut copy = one.clone();
    one.update_at("b", 1, 1.0).unwrap();
    update(&mut one, &mut dictionary);
    copy.update_at("c", 1, 1.0).unwrap();
    update(&mut copy, &mut dictionary);
    assert_eq!((samples(&one), samples(&copy)), ([1, 2, 0], [1, 1, 1]));

    let mut dictionary = Dictionary::new(keys);
    let mut one = new(&["a", "b", "c"]);
    update(&mut one, &mut dictionary);
    one.read_snapshot(&bytes_of(&new(&["b", "c", "a"]))).unwrap();
    update(&mut one, &mut dictionary);
    assert_eq!(samples(&one), [1, 2, 1]);
}
