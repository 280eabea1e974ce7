//! The time of a sample, on one thread.

use crate::common::data::{Noise, Rows};
use crate::common::turns::take_turns;
use crate::{name, robust, table, tracker};
use evenkeel::{Bank, Decay, Dictionary, OneSeries, Outputs, RobustMean, Threads};
use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

/// Samples of a turn: a part of a round, in which each series has one.
const TURN: usize = 2 << 20;
/// Rows until every channel of a bank is of full age, and its gain constant.
const WARM_UP: usize = 100;
const EVERY: i64 = 10_000_000_000;

/// Nanoseconds a sample of very many series.
#[derive(Clone, Copy)]
pub(crate) struct Taken {
    pub(crate) by_name: f64,
    pub(crate) by_code: f64,
    pub(crate) elsewhere: f64,
}

/// The series in a random order, turn after turn, and the time of the round.
struct Rounds {
    order: Vec<u32>,
    next: usize,
    time: i64,
}

impl Rounds {
    fn new(series: usize) -> Self {
        let mut noise = Noise::new(5);
        let mut order: Vec<u32> = (0..u32::try_from(series).unwrap()).collect();
        (1..series).for_each(|last| order.swap(last, noise.below(last + 1)));
        Self { order, next: 0, time: 0 }
    }

    fn turn(&mut self) -> (&[u32], i64) {
        if self.next == self.order.len() {
            (self.next, self.time) = (0, self.time + EVERY);
        }
        let turn = &self.order[self.next..][..TURN.min(self.order.len())];
        self.next += turn.len();
        (turn, self.time)
    }
}

/// The table of times; returns those of eight million series.
pub(crate) fn taken() -> Taken {
    table(&[
        "series",
        "look-up",
        "`update_at`",
        "`update_batch_at`",
        "`update_coded_at`",
        "`OneSeries`, state elsewhere",
        "rows of a `Bank` in time",
        "of a `Bank` in `f32`",
    ]);
    series(2 << 20);
    series(8 << 20)
}

fn series(series: usize) -> Taken {
    let names: Vec<String> = (0..series).map(name).collect();
    let mut map: HashMap<&str, f64> = names.iter().map(|name| (name.as_str(), 0.0)).collect();
    let new = || tracker(robust(), series);
    let (mut one_by_one, mut batches, mut coded) = (new(), new(), new());
    let mut dictionary = Dictionary::new(names.clone());
    let mut one = OneSeries::<RobustMean>::new(robust()).unwrap();
    let mut bytes = Vec::new();
    one.save(&mut bytes);
    let mut states = vec![<[u8; 78]>::try_from(&bytes[..]).unwrap(); series];
    let mut in_time = Bank::<RobustMean>::new(robust(), series).unwrap().with_threads(Threads::One);
    let counted = RobustMean::new(Decay::half_life(60.0).unwrap());
    let mut bank = Bank::<_, f32>::new(counted, series).unwrap().with_threads(Threads::One);

    let part = TURN.min(series);
    let samples = RefCell::new(Rows::<f64>::new(part, 0.0, 6));
    let (wide, narrow) =
        (RefCell::new(Rows::<f64>::new(series, 0.0, 6)), RefCell::new(Rows::<f32>::new(series, 0.0, 6)));
    let (mut locations, mut times) = (vec![0.0; part], vec![0; part]);
    let every = Duration::from_nanos(EVERY.unsigned_abs());
    let [mut first, mut second, mut third, mut fourth, mut fifth] = [(); 5].map(|()| Rounds::new(series));
    let mut best = [0.0; 7];
    for _ in 0..WARM_UP {
        in_time.update_after(every, wide.borrow_mut().next()).unwrap();
        bank.update(narrow.borrow_mut().next()).unwrap();
    }
    // Rows last, which are as wide as the table: a turn of theirs has more samples.
    take_turns(
        part,
        &mut [
            &mut || {
                for (&code, &sample) in first.turn().0.iter().zip(samples.borrow_mut().next()) {
                    *map.get_mut(names[code as usize].as_str()).unwrap() += sample;
                }
            },
            &mut || {
                let (turn, time) = second.turn();
                for (&code, &sample) in turn.iter().zip(samples.borrow_mut().next()) {
                    one_by_one.update_at(names[code as usize].as_str(), time, sample).unwrap();
                }
            },
            &mut || {
                let (turn, time) = third.turn();
                let mut samples = samples.borrow_mut();
                let batch = turn.iter().zip(samples.next());
                batches
                    .update_batch_at(batch.map(|(&code, &sample)| (names[code as usize].as_str(), time, sample)))
                    .unwrap();
            },
            &mut || {
                let (turn, time) = fourth.turn();
                let outputs = Outputs { locations: Some(&mut locations), ..Outputs::default() };
                times.fill(time);
                coded.update_coded_at(&mut dictionary, turn, &times, samples.borrow_mut().next(), outputs).unwrap();
            },
            &mut || {
                let (turn, time) = fifth.turn();
                for (&code, &sample) in turn.iter().zip(samples.borrow_mut().next()) {
                    let state = &mut states[code as usize];
                    one.restore(state).unwrap();
                    one.update_at(time, sample).unwrap();
                    bytes.clear();
                    one.save(&mut bytes);
                    state.copy_from_slice(&bytes);
                }
            },
        ],
        &mut best[..5],
    );
    take_turns(
        series,
        &mut [&mut || in_time.update_after(every, wide.borrow_mut().next()).unwrap(), &mut || {
            bank.update(narrow.borrow_mut().next()).unwrap();
        }],
        &mut best[5..],
    );
    let [looked_up, by_name, batch, by_code, elsewhere, row, plain] = best;
    println!(
        "| {} Mi | {looked_up:.0} | {by_name:.0} | {batch:.0} | {by_code:.0} | {elsewhere:.0} | {row:.1} | {plain:.2} |",
        series >> 20
    );
    Taken { by_name: batch, by_code, elsewhere }
}
