//! The optimiser: which tensor is updated when, and by which thread.

use crate::config::ParamsRobustSgm;
use crate::error::Error;
use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, DType, InplaceOp2, Layout, Result, Tensor, Var};
use candle_nn::{Optimizer, VarMap};
use evenkeel::{Layer, LearningRate, Real, Sweep, Threads, UpdateError};
use rayon::prelude::{IntoParallelIterator, ParallelIterator};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::cell::RefCell;
use std::sync::OnceLock;

/// Stochastic gradient descent with a learning rate per tensor that is estimated robustly from weights and gradients:
/// see [`LearningRate`] for the equations and [`ParamsRobustSgm`] for the parameters.
///
/// The weights are changed in place, and so is the state, which lies beside them in aligned columns: five numbers per
/// weight. Large tensors are shared among the threads of a pool of the optimiser's own one after the other, small ones
/// are handed out whole; called from within a pool of rayon's, a step is made by the calling thread alone.
///
/// With [`new`](Optimizer::new), as candle's trait has it, tensors are named by their position, `0`, `1`, ...;
/// [`VarMap::all_vars`] gives them in no particular order. If the state is to be saved, make the optimiser with
/// [`from_var_map`](Self::from_var_map) or [`from_named`](Self::from_named).
#[derive(Debug)]
pub struct RobustSgm {
    pub(crate) parameters: Vec<Parameter>,
    config: ParamsRobustSgm,
    /// The last learning-rate bound that was not 0: while the bound is 0, the state moves on with this one.
    pub(crate) bound: f64,
    /// Whether the rule has to be made anew from the configuration.
    pub(crate) stale: bool,
    pub(crate) steps: u64,
}

/// A tensor that is trained.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) var: Var,
    pub(crate) state: State,
    pub(crate) mean: Mean,
}

/// The state of a tensor, in its own type.
#[derive(Debug)]
pub(crate) enum State {
    F32(Layer<LearningRate, f32>),
    F64(Layer<LearningRate, f64>),
}

/// The smoothed layer mean, the bias-corrected average: `value += gain (mean - value)` with `gain = (1 - beta) / (1 -
/// beta^t)`, which is 1 at first and then `gain / (gain + beta)`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Mean {
    pub(crate) value: f64,
    /// The gain of the last update; 0 before the first.
    pub(crate) gain: f64,
}

impl Mean {
    fn smooth(&mut self, mean: f64, beta: Option<f64>) -> f64 {
        self.gain = if self.gain == 0.0 { 1.0 } else { self.gain / (self.gain + beta.unwrap_or(0.0)) };
        self.value = if self.gain >= 1.0 { mean } else { self.value + self.gain * (mean - self.value) };
        self.value
    }
}

impl RobustSgm {
    /// Makes an optimiser of the variables of a map, under the names that they have there.
    ///
    /// # Errors
    /// A parameter is out of range, or a tensor cannot be trained: see [`Error`].
    pub fn from_var_map(vars: &VarMap, config: ParamsRobustSgm) -> std::result::Result<Self, Error> {
        let data = vars.data().lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut named: Vec<(String, Var)> = data.iter().map(|(name, var)| (name.clone(), var.clone())).collect();
        drop(data);
        named.sort_by(|a, b| a.0.cmp(&b.0));
        Self::from_named(named, config)
    }

    /// Makes an optimiser of variables under names of your own, without those that hold no floats.
    ///
    /// # Errors
    /// A parameter is out of range, a name or a variable is there twice, or a tensor cannot be trained: see [`Error`].
    pub fn from_named(
        vars: impl IntoIterator<Item = (String, Var)>,
        config: ParamsRobustSgm,
    ) -> std::result::Result<Self, Error> {
        let bound = if config.lr == 0.0 { ParamsRobustSgm::default().lr } else { config.lr };
        let rule = config.rule(bound)?;
        let mut parameters: Vec<Parameter> = Vec::new();
        for (name, var) in vars {
            if !var.dtype().is_float() {
                continue;
            }
            if parameters.iter().any(|other| other.name == name || other.var.as_tensor().id() == var.as_tensor().id()) {
                return Err(Error::Twice { name });
            }
            if !var.device().is_cpu() {
                return Err(Error::Device { name });
            }
            if !var.is_contiguous() {
                return Err(Error::Layout { name });
            }
            let state = match var.dtype() {
                DType::F32 => State::F32(layer(&name, rule, &var)?),
                DType::F64 => State::F64(layer(&name, rule, &var)?),
                dtype => return Err(Error::DType { name, dtype }),
            };
            parameters.push(Parameter { name, var, state, mean: Mean::default() });
        }
        Ok(Self { parameters, config, bound, stale: false, steps: 0 })
    }

    /// The parameters of the optimiser.
    #[must_use]
    pub fn params(&self) -> &ParamsRobustSgm {
        &self.config
    }

    /// Replaces the parameters, over the same state.
    ///
    /// # Errors
    /// A parameter is out of range; the old ones stay.
    pub fn set_params(&mut self, config: ParamsRobustSgm) -> std::result::Result<(), Error> {
        self.apply(&config)?;
        self.config = config;
        Ok(())
    }

    /// The number of steps taken.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The tensors that are trained, by name.
    #[must_use]
    pub fn vars(&self) -> impl ExactSizeIterator<Item = (&str, &Var)> {
        self.parameters.iter().map(|parameter| (parameter.name.as_str(), &parameter.var))
    }

    /// The rate of each tensor at its last step, schedule not counted: the smoothed layer mean. 0 before the first.
    #[must_use]
    pub fn rates(&self) -> impl ExactSizeIterator<Item = (&str, f64)> {
        self.parameters.iter().map(|parameter| (parameter.name.as_str(), parameter.mean.value))
    }

    /// Puts the rule of a configuration in every tensor, or in none.
    fn apply(&mut self, config: &ParamsRobustSgm) -> std::result::Result<(), Error> {
        let bound = if config.lr == 0.0 { self.bound } else { config.lr };
        let rule = config.rule(bound)?;
        // Whether a type can carry the parameters is the same for all tensors of it: ask before anything changes.
        for parameter in &self.parameters {
            let carried = match &parameter.state {
                State::F32(_) => Sweep::<LearningRate, f32>::new(rule).map(drop),
                State::F64(_) => Sweep::<LearningRate, f64>::new(rule).map(drop),
            };
            carried.map_err(|error| Error::State { name: parameter.name.clone(), source: error.into() })?;
        }
        for parameter in &mut self.parameters {
            let set = match &mut parameter.state {
                State::F32(layer) => layer.set_rule(rule),
                State::F64(layer) => layer.set_rule(rule),
            };
            set.map_err(|source| Error::State { name: parameter.name.clone(), source })?;
        }
        (self.bound, self.stale) = (bound, false);
        Ok(())
    }
}

fn layer<T: Real>(name: &str, rule: LearningRate, var: &Var) -> std::result::Result<Layer<LearningRate, T>, Error> {
    Layer::new(rule, var.elem_count()).map_err(|source| Error::State { name: name.to_owned(), source })
}

/// The threads that share large tensors, a pool of their own.
///
/// A thread that updates a tensor holds its lock. Were its work shared in a pool where other things are done, a thread
/// that waits for its share might be given work that waits for that lock, and both would wait for ever. In this pool
/// nobody does anything but arithmetic.
fn pool() -> Option<&'static ThreadPool> {
    static POOL: OnceLock<Option<ThreadPool>> = OnceLock::new();
    POOL.get_or_init(|| ThreadPoolBuilder::new().thread_name(|index| format!("robust-sgm {index}")).build().ok())
        .as_ref()
}

/// The threads that update a tensor.
#[derive(Clone, Copy)]
enum Share {
    /// The thread that holds the tensor's lock, which takes no other work meanwhile.
    Alone,
    /// All threads of the optimiser's own pool.
    Pool(&'static ThreadPool),
}

/// Whether a tensor is so large that it is worth all threads.
fn is_large<T>(weights: usize) -> bool {
    weights.saturating_mul(7 * size_of::<T>()) >= Threads::AUTO_BYTES
}

impl Optimizer for RobustSgm {
    type Config = ParamsRobustSgm;

    fn new(vars: Vec<Var>, config: ParamsRobustSgm) -> Result<Self> {
        let named = vars.into_iter().enumerate().map(|(index, var)| (index.to_string(), var));
        Ok(Self::from_named(named, config)?)
    }

    /// Takes one step of every tensor that has a gradient.
    ///
    /// # Errors
    /// The learning rate that was set is out of range, or a gradient does not fit its tensor. No tensor has been
    /// changed.
    fn step(&mut self, grads: &GradStore) -> Result<()> {
        if self.stale {
            self.apply(&self.config.clone())?;
        }
        let mut work = Vec::with_capacity(self.parameters.len());
        for parameter in &mut self.parameters {
            if let Some(gradient) = grads.get(parameter.var.as_tensor()) {
                let gradient = parameter.fitting(gradient)?;
                work.push((parameter, gradient));
            }
        }
        let step = self.steps.saturating_add(1);
        let factor = if self.config.lr == 0.0 { 0.0 } else { self.config.schedule.factor(step) };
        let mean_beta = self.config.mean_beta;
        let (large, small): (Vec<_>, Vec<_>) = work.into_iter().partition(|(parameter, _)| parameter.is_large());
        // A worker of a pool that waits for another pool takes work of its own pool meanwhile: it must not hold a lock
        // then.
        let share = match pool() {
            Some(pool) if rayon::current_thread_index().is_none() => Share::Pool(pool),
            _ => Share::Alone,
        };
        for (parameter, gradient) in large {
            parameter.descend(&gradient, mean_beta, factor, share)?;
        }
        let each = |(parameter, gradient): (&mut Parameter, Tensor)| {
            parameter.descend(&gradient, mean_beta, factor, Share::Alone)
        };
        match share {
            Share::Pool(pool) => pool.install(|| small.into_par_iter().try_for_each(each))?,
            Share::Alone => small.into_iter().try_for_each(each)?,
        }
        self.steps = step;
        Ok(())
    }

    fn learning_rate(&self) -> f64 {
        self.config.lr
    }

    /// Sets the learning-rate bound. One that is out of range is reported by the next step.
    fn set_learning_rate(&mut self, lr: f64) {
        if lr != 0.0 && lr.to_bits() != self.config.lr.to_bits() {
            self.stale = true;
        }
        self.config.lr = lr;
    }
}

impl Parameter {
    fn is_large(&self) -> bool {
        match &self.state {
            State::F32(layer) => is_large::<f32>(layer.len()),
            State::F64(layer) => is_large::<f64>(layer.len()),
        }
    }

    /// The gradient as the kernel reads it, one element after the other; a copy only if it is not stored so.
    fn fitting(&self, gradient: &Tensor) -> Result<Tensor> {
        let var = self.var.as_tensor();
        if gradient.dtype() != var.dtype() || gradient.shape() != var.shape() || !gradient.device().is_cpu() {
            return Err(Error::Gradient {
                name: self.name.clone(),
                got: gradient.dtype(),
                got_shape: gradient.shape().clone(),
                expected: var.dtype(),
                expected_shape: var.shape().clone(),
            }
            .into());
        }
        // A gradient that is the variable itself, as of `w^2 / 2`, cannot be read while that is written.
        if storage(gradient) == storage(var) {
            return gradient.copy();
        }
        gradient.contiguous()
    }

    fn descend(&mut self, gradient: &Tensor, mean_beta: Option<f64>, factor: f64, share: Share) -> Result<()> {
        let Self { name, var, state, mean } = self;
        let rate = |found: f64| factor * mean.smooth(found, mean_beta);
        let op = match state {
            State::F32(layer) => Descent { name, share, work: RefCell::new(Some(Work::F32(layer, rate))) },
            State::F64(layer) => Descent { name, share, work: RefCell::new(Some(Work::F64(layer, rate))) },
        };
        var.as_tensor().inplace_op2(gradient, &op)
    }
}

/// A step of one tensor as an operation on its storage.
struct Descent<'a, F> {
    name: &'a str,
    share: Share,
    /// Taken by the one call that is made.
    work: RefCell<Option<Work<'a, F>>>,
}

enum Work<'a, F> {
    F32(&'a mut Layer<LearningRate, f32>, F),
    F64(&'a mut Layer<LearningRate, f64>, F),
}

/// The address of a tensor's storage, by which two tensors that share it are found.
fn storage(tensor: &Tensor) -> usize {
    let (storage, _) = tensor.storage_and_layout();
    std::ptr::from_ref(&*storage).addr()
}

/// A step on slices, by one thread or by many.
fn on_slices<T: Real>(
    share: Share,
    layer: &mut Layer<LearningRate, T>,
    w: &mut [T],
    g: &[T],
    rate: impl FnOnce(T) -> T + Send,
) -> std::result::Result<T, UpdateError> {
    match share {
        Share::Alone => {
            layer.set_threads(Threads::One);
            layer.descend(w, g, rate)
        }
        Share::Pool(pool) => {
            layer.set_threads(Threads::Auto);
            pool.install(|| layer.descend(w, g, rate))
        }
    }
}

impl<F: FnOnce(f64) -> f64 + Send> InplaceOp2 for Descent<'_, F> {
    fn name(&self) -> &'static str {
        "robust-sgm"
    }

    fn cpu_fwd(&self, w: &mut CpuStorage, w_layout: &Layout, g: &CpuStorage, g_layout: &Layout) -> Result<()> {
        let broken = || Error::Layout { name: self.name.to_owned() };
        let (w_from, w_to) = w_layout.contiguous_offsets().ok_or_else(broken)?;
        let (g_from, g_to) = g_layout.contiguous_offsets().ok_or_else(broken)?;
        #[allow(clippy::cast_possible_truncation)] // to the type of the weights
        let done = match (self.work.take(), w, g) {
            (Some(Work::F32(layer, rate)), CpuStorage::F32(w), CpuStorage::F32(g)) => {
                let rate = |mean: f32| rate(mean.into()) as f32;
                on_slices(self.share, layer, &mut w[w_from..w_to], &g[g_from..g_to], rate).map(drop)
            }
            (Some(Work::F64(layer, rate)), CpuStorage::F64(w), CpuStorage::F64(g)) => {
                on_slices(self.share, layer, &mut w[w_from..w_to], &g[g_from..g_to], rate).map(drop)
            }
            _ => return Err(broken().into()),
        };
        done.map_err(candle_core::Error::wrap)
    }
}
