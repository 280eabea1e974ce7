//! Target `heavy_tailed`: what `RobustMean` promises, not how it is computed. The bytes steer generators of the worst signals
//! there are; nothing here knows the specification. On every sample:
//!
//! * the state is finite, and the same bits on every backend;
//! * the first five samples have no score and are no outliers, and leave a location among what was seen;
//! * one sample that is none of these and does not re-open a channel moves its location by at most gain * clip * scale, and not at
//!   all from beyond the rejection;
//! * it lets the scale grow by at most gain * (scale clip - 1) * scale;
//! * an estimate re-opens only after as many strikes as its patience, onto a value between what it was and what there was.
//!
//! And at the end, whatever the state: a clean signal at any other level is found again within a bounded number of samples.

use crate::draw::Draw;
use crate::oracle::{Float, Parameters};
use crate::random::Random;
use crate::{assert_words, for_the_drawn_type, rules};
use evenkeel::{Backend, Columns, Decay, Observation, Real, RobustMean, Sweep};

pub fn check(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    for_the_drawn_type!(check_as, draw);
}

/// Enough for a vector of any width and a tail.
const CHANNELS: usize = 19;

fn check_as<T: Float>(draw: &mut Draw) {
    let Some((rule, parameters)) = drawn_rule(draw) else { return };
    let Ok(sweep) = Sweep::<RobustMean, T>::new(rule) else { return };
    let mut random = draw.random();
    let mut rows: Vec<Vec<T>> = Vec::new();
    let mut weather = Weather { level: 10.0, width: 1.0 };
    while !draw.is_empty() && rows.len() < 250 {
        weather.blow(draw, &mut random, &mut rows);
    }
    let mut watched = Watched::new(&sweep, &parameters);
    let states: Vec<_> = rows.iter().map(|row| watched.row(row)).collect();
    let mut ends = Vec::new();
    for backend in Backend::available() {
        let sweep = sweep.clone().with_backend(backend).expect("available");
        let mut columns = Columns::<RobustMean, T>::new(CHANNELS).expect("few");
        for (row, expected) in rows.iter().zip(&states) {
            sweep.update(columns.as_mut_slices(), row).expect("one sample a channel");
            for (found, expected) in columns.as_slices().into_iter().zip(expected) {
                assert_words(found, expected, || format!("{sweep:?}"));
            }
        }
        ends.push(columns);
    }
    // They are all in one state, and a long way takes long: once is enough.
    if let Some(mut columns) = ends.pop() {
        recover(&sweep, &parameters, &mut columns, &weather, &mut random);
    }
}

/// A preset of an ordinary memory half of the time, so that recovery is often put to the test; any rule otherwise.
fn drawn_rule(draw: &mut Draw) -> Option<(RobustMean, Parameters)> {
    if draw.flag() {
        // What is learnt is of no use to a promise in scales.
        return rules::robust(draw).filter(|(_, parameters)| !parameters.learns);
    }
    let gain = draw.one_of(&[0.1, 0.05, 0.02, 0.2, 0.3]);
    let rule = RobustMean::new(Decay::alpha(gain).ok()?);
    let patience = u32::try_from(1 + draw.below(24)).ok()?;
    let parameters = Parameters::new(gain);
    let parameters = if draw.flag() { parameters.mean_faithful() } else { parameters };
    let rule = if parameters.reject > 6.5 { rule.mean_faithful() } else { rule };
    let rule = rule.patience(patience).ok()?;
    Some((rule, Parameters { patience, ..parameters }))
}

struct Weather {
    level: f64,
    width: f64,
}

impl Weather {
    /// A stretch of rows of one kind.
    fn blow<T: Float>(&mut self, draw: &mut Draw, random: &mut Random, rows: &mut Vec<Vec<T>>) {
        let kind = draw.below(16);
        let length = 1 + draw.below(32);
        let strength = draw.byte();
        let share = f64::from(strength) / 256.0;
        match kind {
            10 => self.level += self.width * (f64::from(strength) - 128.0),
            11 => self.width = libm::exp2((f64::from(strength) - 128.0) / 8.0),
            12 => self.level = 0.0,
            _ => {}
        }
        for _ in 0..length {
            rows.push((0..CHANNELS).map(|_| self.sample(kind, share, random)).collect());
        }
    }

    fn sample<T: Float>(&self, kind: usize, share: f64, random: &mut Random) -> T {
        let noise = match kind {
            0 => random.student(1),
            // Pareto, of an index between 0 and 2: no variance, and often no mean.
            1 => libm::pow(1.0 - random.unit(), -1.0 / (2.0 * share + 0.01)),
            2 => random.gauss() * if random.chance(share) { 100.0 } else { 1.0 },
            3 => random.gauss() + if random.chance(share) { 1e9 } else { 0.0 },
            4 if random.chance(share) => return T::NAN,
            5 if random.chance(share) => return if random.chance(0.5) { T::INFINITY } else { -T::INFINITY },
            6 => return T::from_word(random.word() % T::SUBNORMAL.to_word()),
            7 => return T::from_word(random.word()),
            8 if random.chance(share) => return if random.chance(0.5) { T::LARGEST } else { -T::LARGEST },
            9 => 0.0,
            13 => random.student(2),
            14 => random.poisson(2.0),
            _ => random.gauss(),
        };
        T::from_f64(self.level + self.width * noise)
    }
}

/// Every channel one sample at a time, each sample held to the promises.
struct Watched<'a, T: Float> {
    sweep: &'a Sweep<RobustMean, T>,
    columns: Columns<RobustMean, T>,
    parameters: &'a Parameters,
    /// Counted by their definition and nothing else: in quarters, of samples that are judged.
    strikes: Vec<u32>,
    samples: Vec<u64>,
}

impl<'a, T: Float> Watched<'a, T> {
    fn new(sweep: &'a Sweep<RobustMean, T>, parameters: &'a Parameters) -> Self {
        let columns = Columns::new(CHANNELS).expect("few");
        Self { sweep, columns, parameters, strikes: vec![0; CHANNELS], samples: vec![0; CHANNELS] }
    }

    /// The columns after the row.
    fn row(&mut self, row: &[T]) -> [Vec<T>; 4] {
        for (channel, &sample) in row.iter().enumerate() {
            let before = self.columns.state(channel).expect("it exists");
            let seen = self.sweep.observe(self.columns.as_mut_slices(), channel, sample).expect("it exists");
            let after = self.columns.state(channel).expect("it exists");
            self.judge(channel, sample, &before, &after, &seen);
        }
        self.columns.as_slices().map(<[T]>::to_vec)
    }

    fn judge(&mut self, channel: usize, sample: T, before: &[T; 4], after: &[T; 4], seen: &Observation<T>) {
        let what = || format!("{sample:?} took {before:?} to {after:?}, {seen:?}, {:?}", self.sweep.rule());
        let p = self.parameters;
        let age = self.sweep.reading(before).age.to_f64();
        let [location, stored, last_strike, _] = before.map(Real::to_f64);
        let [new_location, new_scale, _, _] = after.map(Real::to_f64);
        let samples = self.samples[channel];
        assert!(
            after[1].finite() && after[2].finite() && (after[0].finite() || !seen.accepted && samples == 0),
            "{}",
            what()
        );
        let there = !sample.nan() && (sample.finite() || samples >= 5);
        assert_eq!(seen.accepted, there, "{}", what());
        if !there {
            assert_eq!(before.map(T::to_word), after.map(T::to_word), "{}", what());
            return;
        }
        self.samples[channel] += 1;
        let half_max = T::LARGEST.to_f64() / 2.0;
        let x = sample.to_f64().clamp(-half_max, half_max);
        let (low, high) = (x.min(last_strike).min(location), x.max(last_strike).max(location));
        if samples < 5 {
            assert!(seen.score.nan() && !seen.outlier && !seen.reopened, "{}", what());
            assert!(samples == 0 || (low..=high).contains(&new_location), "{}", what());
            self.strikes[channel] = 4 * (p.patience - 1);
            return;
        }
        // As the lane type rounds it.
        let size = T::from_f64(x - location).to_f64().abs();
        let used = stored.max(T::from_f64(p.resolution / 2.0).to_f64());
        let strike = size > (T::from_f64(4.0) * T::from_f64(used)).to_f64();
        assert_eq!(seen.outlier, strike, "{}", what());
        let strikes = &mut self.strikes[channel];
        let patience = 4 * p.patience;
        let is_alive = stored > 2.0 * T::ABSOLUTE_FLOOR.max(2.0_f64.powi(-20) * location.abs());
        *strikes =
            if strike { (*strikes + 4).min(patience) } else { strikes.saturating_sub(if is_alive { 5 } else { 4 }) };
        assert_eq!(seen.reopened, *strikes >= patience && sample.finite(), "strikes {strikes}, {}", what());
        if seen.reopened {
            assert!((low..=high).contains(&new_location), "{}", what());
            *strikes = patience - if age <= 1.0 { 4 } else { patience.min(16) };
            return;
        }
        // Two roundings of the step, one of the sum, and what is left of subnormal numbers.
        let slack = 1.0 + 8.0 * T::ROUNDING;
        let dust = 2.0 * T::ROUNDING * (location.abs().max(new_location.abs())) + T::from_word(2).to_f64();
        let gain = p.alpha.max(1.0 / (age + 1.0).min(1.0 / p.alpha));
        let moved = (new_location - location).abs();
        assert!(moved <= gain * p.clip * used * slack + dust, "moved by {moved:e}: {}", what());
        if size > p.reject * used * slack + dust {
            assert!(new_location == location, "rejected: {}", what());
        }
        let floor = (T::RELATIVE_FLOOR * new_location.abs()).max(T::ABSOLUTE_FLOOR) * slack;
        let most = used * (1.0 + gain.min(0.5) * (p.scale_clip - 1.0)) * slack + T::from_word(2).to_f64();
        assert!(new_scale <= most.max(floor), "grew: {}", what());
    }
}

/// A clean signal at another level, for as long as the memory needs to come down from the worst scale that it may hold.
fn recover<T: Float>(
    sweep: &Sweep<RobustMean, T>,
    p: &Parameters,
    columns: &mut Columns<RobustMean, T>,
    weather: &Weather,
    random: &mut Random,
) {
    // Only what the documentation promises to: the presets, at memories and levels that the lane type can resolve.
    let preset = [(2.5, 6.5), (4.0, 12.0)].contains(&(p.clip, p.reject)) && p.resolution == 0.0;
    let width = if (1e-6..=1e6).contains(&weather.width) { weather.width } else { 1.0 };
    if !preset || p.scale_clip > 3.0 || !(0.02..=0.3).contains(&p.alpha) || p.patience > 24 {
        return;
    }
    let level = 1000.0 * width;
    let worst = columns.as_slices()[0].iter().zip(columns.as_slices()[1]).fold(1.0_f64, |worst, (location, scale)| {
        let far = if location.nan() { 0.0 } else { (location.to_f64() - level).abs() };
        worst.max(far.max(scale.to_f64()) / width)
    });
    let samples = 2.0 * (worst.ln() + 20.0) / p.alpha + 2.0 * f64::from(p.patience) + 400.0;
    if samples > 4000.0 {
        return;
    }
    // One stretch of noise again and again.
    let noise: Vec<T> = (0..61 * CHANNELS).map(|_| T::from_f64(level + width * random.between(-1.0, 1.0))).collect();
    for _ in 0..(samples / 61.0).ceil() as usize {
        sweep.update_rows(columns.as_mut_slices(), &noise).expect("whole rows");
    }
    for (location, scale) in columns.as_slices()[0].iter().zip(columns.as_slices()[1]) {
        let off = (location.to_f64() - level).abs() / width;
        assert!(off <= 2.0, "{off} widths off after {samples} clean samples at {level}, scale {scale:?}, {sweep:?}");
        assert!(scale.to_f64() <= 4.0 * width, "scale {scale:?} of a width of {width}, {sweep:?}");
    }
}
