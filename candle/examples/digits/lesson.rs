//! What the network is shown, and what is wrong with that.

use anyhow::Result;
use candle_core::{Tensor, Var};
use fastrand::Rng;

use crate::common::{Lesson, Score, Sheet, Task};
use crate::data::{CLASSES, Data, PIXELS, Part};
use crate::model::{HIDDEN, Network};

/// Images in a minibatch.
const BATCH: usize = 32;
/// The training labels that are wrong in each scenario, in percent.
const WRONG: [usize; 3] = [0, 20, 40];

/// The digits, to be learnt.
pub(crate) struct Digits {
    pub(crate) data: Data,
}

/// A network that learns them.
struct Reader<'d> {
    data: &'d Data,
    /// The training part with its labels as they are here.
    train: Part,
    network: Network,
    order: Rng,
    /// The images of this pass that are still to come.
    waiting: Vec<usize>,
}

impl Task for Digits {
    fn sheet(&self) -> Sheet {
        let [first, second] = HIDDEN;
        Sheet {
            name: "digits",
            title: "Clean test errors of a network that reads handwritten digits, in percent".to_owned(),
            about: format!(
                "A network of {PIXELS}-{first}-{second}-{CLASSES} units with relu learns {} handwritten digits. A wrong label is one of the nine\n\
                 others, at random. Errors are those on {} clean images, in percent.",
                self.data.train.labels.len(),
                self.data.test.labels.len(),
            ),
            mark: None,
            scenarios: vec!["clean", "20% wrong labels", "40% wrong labels"],
            batch: BATCH,
            steps: 840,
            rates: [3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1],
            middle_rates: [3e-3, 1e-2, 3e-2],
            tuning_seeds: 2,
            seeds: 5,
            decimals: 1,
            range: [0.0, 20.0],
            ticks: vec![0.0, 5.0, 10.0, 15.0, 20.0],
        }
    }

    fn begin(&self, scenario: usize, seed: u64) -> Result<Box<dyn Lesson + '_>> {
        let mut source = Rng::with_seed(seed);
        let [mut weights, order, mut errors] = core::array::from_fn(|_| source.fork());
        let mut train = self.data.train.clone();
        let mut places: Vec<usize> = (0..train.labels.len()).collect();
        errors.shuffle(&mut places);
        for &place in &places[..places.len() * WRONG[scenario] / 100] {
            let label = &mut train.labels[place];
            *label = (*label + errors.u32(1..CLASSES)) % CLASSES;
        }
        let network = Network::new(&mut weights)?;
        Ok(Box::new(Reader { data: &self.data, train, network, order, waiting: Vec::new() }))
    }
}

impl Lesson for Reader<'_> {
    fn vars(&self) -> &[Var] {
        self.network.vars()
    }

    fn losses(&mut self) -> Result<Tensor> {
        if self.waiting.len() < BATCH {
            self.waiting = (0..self.train.labels.len()).collect();
            self.order.shuffle(&mut self.waiting);
        }
        let batch = self.waiting.split_off(self.waiting.len() - BATCH);
        Ok(self.network.losses(self.train.some(&batch))?)
    }

    fn score(&self, _: usize) -> Result<Score> {
        let Data { validation, test, .. } = self.data;
        Ok(Score { validation: self.network.errors(validation)?, test: self.network.errors(test)? })
    }
}
