//! What is reported of every sample, beside the update alone and a copy of as many bytes.

use crate::common::data::{Rows, samples};
use crate::common::probe::Number;
use crate::common::turns::{turns, wanted};
use evenkeel::{Bank, Estimator, Outputs, Real, Threads};
use std::cell::RefCell;
use std::hint::black_box;

/// Places for what is reported of each sample.
struct Reported<T> {
    numbers: [Vec<T>; 3],
    outliers: Vec<bool>,
}

impl<T: Real> Reported<T> {
    fn new(samples: usize) -> Self {
        Self { numbers: [(); 3].map(|()| vec![T::default(); samples]), outliers: vec![false; samples] }
    }

    /// The locations alone, or everything.
    fn some(&mut self, all: bool) -> Outputs<'_, T> {
        let [locations, scales, scores] = &mut self.numbers;
        Outputs {
            locations: Some(locations),
            scales: all.then_some(scales),
            scores: all.then_some(scores),
            outliers: all.then_some(&mut self.outliers),
        }
    }

    /// Writes as many bytes as are reported, from samples and marks that are there.
    fn copied(&mut self, all: bool, from: (&[T], &[bool])) {
        for numbers in &mut self.numbers[..if all { 3 } else { 1 }] {
            black_box(&mut *numbers).copy_from_slice(from.0);
        }
        if all {
            black_box(&mut self.outliers).copy_from_slice(from.1);
        }
    }
}

/// What is reported of every sample, beside the update alone and a copy of as many bytes: 10,000 rows of 1,000 channels as
/// a block, as series, and one series of as many samples.
pub(crate) fn reported<R: Estimator, T: Real + Number>(name: &str, rule: &R) {
    if !wanted(&["reported", name, T::NAME]) {
        return;
    }
    let (rows, channels) = (10_000, 1000);
    let columns: Vec<Vec<T>> = (0..channels).map(|channel| samples::<T>(rows, 0.01, channel)).collect();
    let block: Vec<T> = (0..rows).flat_map(|row| columns.iter().map(move |column| column[row])).collect();
    let bank = |channels| Bank::<R, T>::new(rule.clone(), channels).unwrap().with_threads(Threads::One);
    let marks = vec![true; block.len()];
    let places = RefCell::new(Reported::<T>::new(block.len()));
    let by_series = RefCell::new((0..channels).map(|_| Reported::<T>::new(rows)).collect::<Vec<_>>());
    for all in [false, true] {
        let what = if all { "all four" } else { "locations" };
        let mut banks: [_; 2] = std::array::from_fn(|_| bank(columns.len()));
        let [update, into] = &mut banks;
        let [plain, copy, written] = turns(
            block.len(),
            [
                &mut || update.update_rows(&block).unwrap(),
                &mut || places.borrow_mut().copied(all, (&block, &marks)),
                &mut || into.update_rows_into(&block, places.borrow_mut().some(all)).unwrap(),
            ],
        );
        let line = |shape: &str, plain: f64, copy: f64, written: f64| {
            println!(
                "reported {name:<10} {} {what:<9} {shape:<12} {written:.3} ns, {:.2} x update ({plain:.3}) and copy ({copy:.3})",
                T::NAME,
                written / (plain + copy)
            );
        };
        line("rows", plain, copy, written);
        let [plain, copy, written] = turns(
            block.len(),
            [
                &mut || update.update_series(&columns).unwrap(),
                &mut || {
                    for (places, column) in by_series.borrow_mut().iter_mut().zip(&columns) {
                        places.copied(all, (column, &marks[..rows]));
                    }
                },
                &mut || {
                    let mut places = by_series.borrow_mut();
                    let mut outputs: Vec<_> = places.iter_mut().map(|places| places.some(all)).collect();
                    into.update_series_into(&columns, &mut outputs).unwrap();
                },
            ],
        );
        line("series", plain, copy, written);
        let length = 1 << 20;
        let feed = RefCell::new(Rows::<T>::new(length, 0.01, 3));
        let (mut update, mut into) = (bank(1), bank(1));
        let mut one = Reported::<T>::new(length);
        let copied = RefCell::new(Reported::<T>::new(length));
        let [plain, copy, written] = turns(
            length,
            [
                &mut || update.update_channel(0, feed.borrow_mut().next()).unwrap(),
                &mut || copied.borrow_mut().copied(all, (&block[..length], &marks[..length])),
                &mut || into.update_channel_into(0, feed.borrow_mut().next(), one.some(all)).unwrap(),
            ],
        );
        line("one series", plain, copy, written);
    }
}
