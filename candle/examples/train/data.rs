//! The data: 1599 red wines, eleven measurements of each, and the score that tasters gave it.

use anyhow::{Result, ensure};
use fastrand::Rng;

use crate::single::single;

/// What decides which wine is in which part. It is the same for every run, so that all runs answer the same question.
const SPLIT_SEED: u64 = 1599;

/// Rows of measurements and their scores.
#[derive(Clone, Debug, Default)]
pub(crate) struct Part {
    /// Measurements, row after row.
    pub(crate) inputs: Vec<f32>,
    /// Scores, one to a row.
    pub(crate) targets: Vec<f32>,
}

/// All wines in units of the training part: there, every measurement and the score have mean 0 and deviation 1.
#[derive(Clone, Debug)]
pub(crate) struct Data {
    /// Measurements in a row.
    pub(crate) features: usize,
    /// 70% of the wines.
    pub(crate) train: Part,
    /// 15%, by which learning rates are chosen.
    pub(crate) validation: Part,
    /// 15%, which nothing but the result depends on.
    pub(crate) test: Part,
}

impl Data {
    pub(crate) fn load() -> Result<Self> {
        let wines = linfa_datasets::winequality();
        let features = wines.records.ncols();
        let mut columns: Vec<Vec<f64>> = wines.records.columns().into_iter().map(|column| column.to_vec()).collect();
        columns.push(wines.targets.iter().map(|score| *score as f64).collect());

        let mut order: Vec<usize> = (0..wines.targets.len()).collect();
        Rng::with_seed(SPLIT_SEED).shuffle(&mut order);
        let (train, rest) = order.split_at(order.len() * 70 / 100);
        let (validation, test) = rest.split_at(rest.len() / 2);

        for column in &mut columns {
            let known: Vec<f64> = train.iter().map(|row| column[*row]).collect();
            let (mean, deviation) = mean_and_deviation(&known);
            ensure!(deviation > 0.0, "a measurement is the same for all wines");
            for value in column {
                *value = (*value - mean) / deviation;
            }
        }
        let part = |rows: &[usize]| {
            let mut part = Part::default();
            for row in rows {
                let mut values = columns.iter().map(|column| single(column[*row]));
                part.inputs.extend(values.by_ref().take(features));
                part.targets.extend(values);
            }
            part
        };
        Ok(Self { features, train: part(train), validation: part(validation), test: part(test) })
    }

    /// The test loss of whoever always says the mean of the training part, which is 0.
    pub(crate) fn loss_of_the_mean(&self) -> f64 {
        let squares = self.test.targets.iter().map(|target| f64::from(*target).powi(2));
        squares.sum::<f64>() / self.test.targets.len() as f64
    }
}

/// The mean, and the standard deviation of which these are a sample.
pub(crate) fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    (mean, (squares / (count - 1.0)).sqrt())
}
