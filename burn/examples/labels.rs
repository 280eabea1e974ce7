//! Three ways to train a small network, on sound labels and where one label in ten is wrong: what each of them makes of it.
//!
//!     cargo run --release --example labels
//!
//! Two tasks, made by a generator with fixed seeds: a smooth surface, whose wrong labels are off by up to a hundred times its
//! spread, and three arms of a spiral, whose wrong labels are those of another arm. Every way has its learning rate chosen from
//! the same four, by sound labels that it did not learn, with one seed; three other seeds count, on sound labels again.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::activation::{log_softmax, tanh};
use burn::tensor::{Device, Int, Tensor, TensorData};
use evenkeel::{Decay, LossGuard};
use evenkeel_burn::{RobustSgmConfig, weighted_mean};
use fastrand::Rng;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const BATCH: usize = 32;
const TRAIN: usize = 25 * BATCH;
const JUDGE: usize = 400;
const EPOCHS: usize = 30;
const SEEDS: [u64; 3] = [11, 12, 13];
const RATES: [f64; 4] = [1e-3, 3e-3, 1e-2, 3e-2];

#[derive(Clone, Copy, PartialEq)]
enum Task {
    Surface,
    Spiral,
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    AdamW,
    RobustSgm,
    Guarded,
}

/// Points of the plane and their labels: a height, or the number of an arm.
struct Data {
    points: Vec<f32>,
    labels: Vec<f32>,
}

fn gauss(rng: &mut Rng) -> f32 {
    // The sum of twelve uniform numbers is near enough.
    (0..12).map(|_| rng.f32()).sum::<f32>() - 6.0
}

impl Data {
    fn new(task: Task, count: usize, wrong: f32, rng: &mut Rng) -> Self {
        let mut data = Self { points: Vec::new(), labels: Vec::new() };
        for _ in 0..count {
            let (point, mut label) = match task {
                Task::Surface => {
                    let (x, y) = (2.0 * rng.f32() - 1.0, 2.0 * rng.f32() - 1.0);
                    ([x, y], (3.0 * x).sin() * (2.0 * y).cos() + 0.1 * gauss(rng))
                }
                Task::Spiral => {
                    let (arm, along) = (f32::from(rng.u8(0..3)), rng.f32());
                    let angle = 2.1 * arm + 4.0 * along + 0.12 * gauss(rng);
                    ([(0.1 + 0.9 * along) * angle.cos(), (0.1 + 0.9 * along) * angle.sin()], arm)
                }
            };
            if rng.f32() < wrong {
                label = match task {
                    Task::Surface => label + 100.0 * (rng.f32() - 0.5),
                    Task::Spiral => (label + f32::from(rng.u8(1..3))) % 3.0,
                };
            }
            data.points.extend(point);
            data.labels.push(label);
        }
        data
    }

    /// The examples at these positions, as tensors.
    fn part(&self, positions: &[usize], device: &Device) -> (Tensor<2>, Tensor<1>) {
        let points: Vec<f32> = positions.iter().flat_map(|&i| [self.points[2 * i], self.points[2 * i + 1]]).collect();
        let labels: Vec<f32> = positions.iter().map(|&i| self.labels[i]).collect();
        let count = positions.len();
        (
            Tensor::from_data(TensorData::new(points, [count, 2]), device),
            Tensor::from_data(TensorData::new(labels, [count]), device),
        )
    }
}

#[derive(Module, Debug)]
struct Net {
    first: Linear,
    second: Linear,
    last: Linear,
}

impl Net {
    fn new(outputs: usize, device: &Device) -> Self {
        let linear = |inputs, outputs| LinearConfig::new(inputs, outputs).init(device);
        Self { first: linear(2, 48), second: linear(48, 48), last: linear(48, outputs) }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.last.forward(tanh(self.second.forward(tanh(self.first.forward(x)))))
    }

    /// The loss of each example.
    fn losses(&self, task: Task, x: Tensor<2>, y: Tensor<1>) -> Tensor<1> {
        let out = self.forward(x);
        match task {
            Task::Surface => (out.squeeze_dim::<1>(1) - y).square(),
            Task::Spiral => -log_softmax(out, 1).gather(1, y.int().unsqueeze_dim(1)).squeeze_dim::<1>(1),
        }
    }
}

/// The mean loss on a surface, the share of errors on a spiral.
fn judge(net: &Net, task: Task, data: &Data) -> f64 {
    let all: Vec<usize> = (0..data.labels.len()).collect();
    let (x, y) = data.part(&all, &Device::flex());
    let net = net.valid();
    match task {
        Task::Surface => net.losses(task, x, y).mean().into_scalar(),
        Task::Spiral => {
            let found: Tensor<1, Int> = net.forward(x).argmax(1).squeeze_dim(1);
            found.not_equal(y.int()).float().mean().into_scalar()
        }
    }
}

/// Trains with a seed, and returns how well it did on what was kept for choosing and for judging.
fn train(task: Task, way: Way, wrong: f32, rate: f64, seed: u64) -> Result<[f64; 2]> {
    let device = Device::flex().autodiff();
    let mut rng = Rng::with_seed(seed);
    let data = Data::new(task, TRAIN, wrong, &mut rng);
    let kept = [(); 2].map(|()| Data::new(task, JUDGE, 0.0, &mut rng));
    device.seed(seed);
    let mut net = Net::new(if task == Task::Surface { 1 } else { 3 }, &device);
    let mut optimiser: ModuleOptimizer = match way {
        Way::RobustSgm => RobustSgmConfig::new().init()?,
        Way::AdamW | Way::Guarded => AdamWConfig::new().init(),
    };
    let guard = LossGuard::new(Decay::half_life(50.0 * BATCH as f64)?)?;
    let mut guard = if task == Task::Surface { guard.squared() } else { guard };
    let mut order: Vec<usize> = (0..TRAIN).collect();
    // Else the first batch would count as it is, and what is wrong in it stays in Adam's norm for a thousand steps.
    let (x, y) = data.part(&order, &device);
    guard.seed(&net.losses(task, x, y).into_data().try_into_vec::<f32>()?)?;
    let steps = EPOCHS * TRAIN / BATCH;
    let mut step = 0;
    for _ in 0..EPOCHS {
        rng.shuffle(&mut order);
        for batch in order.chunks_exact(BATCH) {
            let (x, y) = data.part(batch, &device);
            let losses = net.losses(task, x.clone(), y.clone());
            let loss = match way {
                Way::Guarded => weighted_mean(&mut guard, losses, |kept| {
                    net.losses(task, x.select(0, kept.clone()), y.select(0, kept))
                })?,
                Way::AdamW | Way::RobustSgm => Some(losses.mean()),
            };
            if let Some(loss) = loss {
                let gradients = GradientsParams::from_grads(loss.backward(), &net);
                let falling = 1.0 - f64::from(step) / steps as f64;
                net = optimiser.step(rate * falling, net, gradients);
            }
            step += 1;
        }
    }
    Ok(kept.map(|kept| judge(&net, task, &kept)))
}

/// The rate that is best by what was kept for choosing, and how well it does with the seeds that count.
fn best(task: Task, way: Way, wrong: f32) -> Result<String> {
    let mut best = (f64::INFINITY, RATES[0]);
    for rate in RATES {
        let [chosen_by, _] = train(task, way, wrong, rate, 1)?;
        if chosen_by < best.0 {
            best = (chosen_by, rate);
        }
    }
    let mut found = Vec::new();
    for seed in SEEDS {
        found.push(train(task, way, wrong, best.1, seed)?[1]);
    }
    let mean = found.iter().sum::<f64>() / SEEDS.len() as f64;
    let (low, high) = found.iter().fold((mean, mean), |(low, high), &one| (low.min(one), high.max(one)));
    Ok(format!("{mean:.3} ({low:.3} to {high:.3}), {:.0e}", best.1))
}

fn main() -> Result<()> {
    println!("On sound labels: mean (least to most) of {} seeds, learning rate\n", SEEDS.len());
    println!("| task | wrong labels | AdamW | RobustSgm | AdamW, LossGuard |");
    println!("|---|---|---|---|---|");
    for (task, name) in [(Task::Surface, "surface, squared error"), (Task::Spiral, "spiral, share of errors")] {
        for wrong in [0.0, 0.1] {
            let cells = [Way::AdamW, Way::RobustSgm, Way::Guarded].map(|way| best(task, way, wrong));
            let [adamw, robust, guarded] = cells;
            println!("| {name} | {:.0}% | {} | {} | {} |", 100.0 * wrong, adamw?, robust?, guarded?);
        }
    }
    Ok(())
}
