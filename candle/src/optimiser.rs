//! The optimiser: which tensor is updated when, and by which thread.

use crate::config::ParamsRobustSgm;
use crate::descent::{Descent, Share, Work, is_large, pool};
use crate::error::Error;
use crate::groups::{Group, Groups, named_vars};
use crate::schedule::Function;
use candle_core::backprop::GradStore;
use candle_core::{DType, Result, Tensor, TensorId, Var};
use candle_nn::{Optimizer, VarMap};
use evenkeel::{Layer, LearningRate, Real, Sweep};
use rayon::prelude::{IntoParallelIterator, ParallelIterator};
use std::collections::{HashMap, HashSet};

/// Stochastic gradient descent with a learning rate per tensor that is estimated robustly from weights and gradients:
/// see [`LearningRate`] for the equations and [`ParamsRobustSgm`] for the parameters.
///
/// The weights are changed in place, and so is the state, which lies beside them in aligned columns: five numbers per
/// weight. Large tensors are shared among the threads of a pool of the optimiser's own one after the other, small ones
/// are handed out whole; called from within a pool of rayon's, a step is made by the calling thread alone.
///
/// With [`new`](Optimizer::new), as candle's trait has it, tensors are named by their position, `0`, `1`, ...;
/// [`VarMap::all_vars`] gives them in no particular order. If the state is to be saved, make the optimiser with
/// [`from_var_map`](Self::from_var_map), [`from_named`](Self::from_named) or, where tensors have parameters of their
/// own, [`from_groups`](Self::from_groups).
///
/// A variable may have several names, as tied weights do: it is one tensor, updated once a step, and its state is saved
/// under the first of them.
#[derive(Debug)]
pub struct RobustSgm {
    pub(crate) parameters: Vec<Parameter>,
    groups: Groups,
    schedule: Option<Function>,
    /// Whether the rules have to be made anew from the parameters of the groups.
    pub(crate) stale: bool,
    pub(crate) steps: u64,
}

/// A tensor that is trained.
#[derive(Debug)]
pub(crate) struct Parameter {
    /// The names, of which there is at least one.
    pub(crate) name: String,
    pub(crate) other_names: Vec<String>,
    pub(crate) var: Var,
    pub(crate) group: usize,
    pub(crate) state: State,
    pub(crate) mean: Mean,
    /// The last learning-rate bound that was not 0: while the bound is 0, the state moves on with this one.
    pub(crate) bound: f64,
}

/// The state of a tensor, in its own type.
#[derive(Debug)]
pub(crate) enum State {
    F32(Layer<LearningRate, f32>),
    F64(Layer<LearningRate, f64>),
}

/// The smoothed layer mean, an average: `value += gain (mean - value)`. With bias correction `gain = (1 - beta) / (1 -
/// beta^t)`, which is 1 at first and then `gain / (gain + beta)`; without, it is `1 - beta`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Mean {
    pub(crate) value: f64,
    /// The gain of the last update; 0 before the first.
    pub(crate) gain: f64,
}

/// The decay of the smoothed layer mean, 0 for none, and whether it is bias-corrected.
#[derive(Clone, Copy)]
struct Smoothing {
    beta: f64,
    corrected: bool,
}

impl Mean {
    fn smooth(&mut self, mean: f64, Smoothing { beta, corrected }: Smoothing) -> f64 {
        self.gain = match (self.gain, corrected) {
            (_, false) => 1.0 - beta,
            (0.0, true) => 1.0,
            (gain, true) => gain / (gain + beta),
        };
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
        Self::from_named(named_vars(vars), config)
    }

    /// Makes an optimiser of variables under names of your own, without those that hold no floats.
    ///
    /// # Errors
    /// A parameter is out of range, a name is there twice, or a tensor cannot be trained: see [`Error`].
    pub fn from_named(
        vars: impl IntoIterator<Item = (String, Var)>,
        config: ParamsRobustSgm,
    ) -> std::result::Result<Self, Error> {
        Self::from_groups([Group { vars: vars.into_iter().collect(), params: config }])
    }

    /// Makes an optimiser of groups of variables, each with parameters of its own, without those that hold no floats:
    /// see [`Group`].
    ///
    /// # Errors
    /// A parameter is out of range, a name is there twice, a tensor is in two groups, or a tensor cannot be trained:
    /// see [`Error`].
    pub fn from_groups(groups: impl IntoIterator<Item = Group>) -> std::result::Result<Self, Error> {
        let (mut parameters, mut params): (Vec<Parameter>, Vec<ParamsRobustSgm>) = (Vec::new(), Vec::new());
        let (mut names, mut places) = (HashSet::new(), HashMap::<TensorId, usize>::new());
        for (group, Group { vars, params: config }) in groups.into_iter().enumerate() {
            let bound = config.bound_after(ParamsRobustSgm::default().lr)?;
            let rule = config.rule(bound)?;
            params.push(config);
            for (name, var) in vars {
                if !var.dtype().is_float() {
                    continue;
                }
                if !names.insert(name.clone()) {
                    return Err(Error::Twice { name });
                }
                let id = var.as_tensor().id();
                if let Some(known) = places.get(&id).and_then(|&place| parameters.get_mut(place)) {
                    if known.group != group {
                        return Err(Error::Groups { name, other: known.name.clone() });
                    }
                    known.other_names.push(name);
                    continue;
                }
                places.insert(id, parameters.len());
                parameters.push(Parameter::new(name, var, group, rule, bound)?);
            }
        }
        Ok(Self { parameters, groups: Groups::new(params), schedule: None, stale: false, steps: 0 })
    }

    /// The parameters of the optimiser; where there are several groups, those of the first.
    #[must_use]
    pub fn params(&self) -> &ParamsRobustSgm {
        self.groups.first()
    }

    /// Replaces the parameters of every group by these, over the same state.
    ///
    /// # Errors
    /// A parameter is out of range; the old ones stay.
    pub fn set_params(&mut self, config: ParamsRobustSgm) -> std::result::Result<(), Error> {
        self.replace(Groups::new(vec![config; self.groups.all().len()]))
    }

    /// The parameters of each group, in the order in which the groups were given.
    #[must_use]
    pub fn groups(&self) -> &[ParamsRobustSgm] {
        self.groups.all()
    }

    /// Replaces the parameters of one group, counted from 0, over the same state. The learning rates that the groups
    /// have now are those whose ratios [`set_learning_rate`](Optimizer::set_learning_rate) keeps from here on.
    ///
    /// # Errors
    /// A parameter is out of range, or there is no such group; the old ones stay.
    pub fn set_group(&mut self, index: usize, config: ParamsRobustSgm) -> std::result::Result<(), Error> {
        let mut all = self.groups.all().to_vec();
        let groups = all.len();
        *all.get_mut(index).ok_or(Error::Group { index, groups })? = config;
        self.replace(Groups::new(all))
    }

    /// Sets the learning-rate bound as [`set_learning_rate`](Optimizer::set_learning_rate) does, and reports at once one
    /// that is out of range.
    ///
    /// # Errors
    /// The bound is below 0, infinite, NaN, or out of the range of a tensor's type; the old one stays.
    pub fn try_set_learning_rate(&mut self, lr: f64) -> std::result::Result<(), Error> {
        let mut groups = self.groups.clone();
        groups.set_rate(lr);
        self.replace(groups)
    }

    /// Sets a schedule of your own, a function of the number of the step, counted from 1: what it returns, at least 0
    /// and finite, is one more factor of every rate, beside that of [`ParamsRobustSgm::schedule`]. A function is not
    /// saved with the state: set it again after [`load`](Self::load).
    ///
    /// ```
    /// # use candle_core::{Device, Tensor, Var};
    /// # use candle_nn::Optimizer;
    /// # use evenkeel_candle::{ParamsRobustSgm, RobustSgm, Schedule};
    /// # let w = Var::from_tensor(&Tensor::new(&[1.0_f32, 2.0], &Device::Cpu)?)?;
    /// let cosine = Schedule::RaisedCosine { steps: 10_000 };
    /// let mut optimiser = RobustSgm::new(vec![w], ParamsRobustSgm { schedule: cosine, ..Default::default() })?;
    /// optimiser.set_schedule(|step| (step as f64 / 500.0).min(1.0)); // warms up in the first 500 steps
    /// # Ok::<(), candle_core::Error>(())
    /// ```
    pub fn set_schedule(&mut self, schedule: impl Fn(u64) -> f64 + Send + Sync + 'static) {
        self.schedule = Some(Function::new(schedule));
    }

    /// The number of steps taken.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The tensors that are trained, each once, under its first name.
    #[must_use]
    pub fn vars(&self) -> impl ExactSizeIterator<Item = (&str, &Var)> {
        self.parameters.iter().map(|parameter| (parameter.name.as_str(), &parameter.var))
    }

    /// The rate of each tensor at its last step, schedule not counted: the smoothed layer mean. 0 before the first.
    #[must_use]
    pub fn rates(&self) -> impl ExactSizeIterator<Item = (&str, f64)> {
        self.parameters.iter().map(|parameter| (parameter.name.as_str(), parameter.mean.value))
    }

    fn replace(&mut self, groups: Groups) -> std::result::Result<(), Error> {
        self.apply(&groups)?;
        self.groups = groups;
        Ok(())
    }

    /// Puts the rule of its group in every tensor, or in none.
    fn apply(&mut self, groups: &Groups) -> std::result::Result<(), Error> {
        let lr = groups.rate();
        if !(lr >= 0.0 && lr.is_finite()) {
            return Err(Error::Rate { lr });
        }
        for params in groups.all() {
            params.rule(params.bound_after(ParamsRobustSgm::default().lr)?)?;
        }
        let mut rules = Vec::with_capacity(self.parameters.len());
        for parameter in &self.parameters {
            let Some(params) = groups.all().get(parameter.group) else { continue };
            let bound = params.bound_after(parameter.bound)?;
            let rule = params.rule(bound)?;
            // Whether its type can carry them: ask before anything changes.
            let carried = match &parameter.state {
                State::F32(_) => Sweep::<LearningRate, f32>::new(rule).map(drop),
                State::F64(_) => Sweep::<LearningRate, f64>::new(rule).map(drop),
            };
            carried.map_err(|error| Error::State { name: parameter.name.clone(), source: error.into() })?;
            rules.push((rule, bound));
        }
        for (parameter, (rule, bound)) in self.parameters.iter_mut().zip(rules) {
            let set = match &mut parameter.state {
                State::F32(layer) => layer.set_rule(rule),
                State::F64(layer) => layer.set_rule(rule),
            };
            set.map_err(|source| Error::State { name: parameter.name.clone(), source })?;
            parameter.bound = bound;
        }
        self.stale = false;
        Ok(())
    }
}

fn layer<T: Real>(name: &str, rule: LearningRate, var: &Var) -> std::result::Result<Layer<LearningRate, T>, Error> {
    Layer::new(rule, var.elem_count()).map_err(|source| Error::State { name: name.to_owned(), source })
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
    /// The learning rate that was set is out of range, the schedule returned no factor, or a gradient does not fit its
    /// tensor. No tensor has been changed.
    fn step(&mut self, grads: &GradStore) -> Result<()> {
        if self.stale {
            self.apply(&self.groups.clone())?;
        }
        let step = self.steps.saturating_add(1);
        let common = self.schedule.as_ref().map_or(Ok(1.0), |schedule| schedule.factor(step))?;
        let paces: Vec<Pace> = self.groups.all().iter().map(|params| Pace::new(params, step, common)).collect();
        let mut work = Vec::with_capacity(self.parameters.len());
        for parameter in &mut self.parameters {
            if let (Some(gradient), Some(&pace)) = (grads.get(parameter.var.as_tensor()), paces.get(parameter.group)) {
                let gradient = parameter.fitting(gradient)?;
                work.push((parameter, gradient, pace));
            }
        }
        let (large, small): (Vec<_>, Vec<_>) = work.into_iter().partition(|(parameter, ..)| parameter.is_large());
        // A worker of a pool that waits for another pool takes work of its own pool meanwhile: it must not hold a lock
        // then.
        let share = match pool() {
            Some(pool) if rayon::current_thread_index().is_none() => Share::Pool(pool),
            _ => Share::Alone,
        };
        for (parameter, gradient, pace) in large {
            parameter.descend(&gradient, pace, share)?;
        }
        let each = |(parameter, gradient, pace): (&mut Parameter, Tensor, Pace)| {
            parameter.descend(&gradient, pace, Share::Alone)
        };
        match share {
            Share::Pool(pool) => pool.install(|| small.into_par_iter().try_for_each(each))?,
            Share::Alone => small.into_iter().try_for_each(each)?,
        }
        self.steps = step;
        Ok(())
    }

    /// The learning-rate bound; where there are several groups, the largest of theirs.
    fn learning_rate(&self) -> f64 {
        self.groups.rate()
    }

    /// Sets the learning-rate bound. One that is out of range is reported by the next step. Where there are several
    /// groups, the largest bound becomes this one, and those of the others keep their ratio to it.
    fn set_learning_rate(&mut self, lr: f64) {
        if lr.to_bits() != self.groups.rate().to_bits() {
            self.groups.set_rate(lr);
            self.stale = true;
        }
    }
}

/// What the tensors of a group have in common at a step.
#[derive(Clone, Copy)]
struct Pace {
    /// The factor of the smoothed layer mean.
    factor: f64,
    smoothing: Smoothing,
}

impl Pace {
    fn new(params: &ParamsRobustSgm, step: u64, common: f64) -> Self {
        let factor = if params.lr == 0.0 { 0.0 } else { common * params.schedule.factor(step) };
        let beta = params.mean_beta.unwrap_or(0.0);
        Self { factor, smoothing: Smoothing { beta, corrected: params.mean_corrected } }
    }
}

impl Parameter {
    fn new(name: String, var: Var, group: usize, rule: LearningRate, bound: f64) -> std::result::Result<Self, Error> {
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
        Ok(Self { name, other_names: Vec::new(), var, group, state, mean: Mean::default(), bound })
    }

    /// The names of the tensor, the first of them first.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.name).chain(&self.other_names).map(String::as_str)
    }

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

    fn descend(&mut self, gradient: &Tensor, Pace { factor, smoothing }: Pace, share: Share) -> Result<()> {
        let Self { name, var, state, mean, .. } = self;
        let rate = |found: f64| factor * mean.smooth(found, smoothing);
        let work = match state {
            State::F32(layer) => Work::F32(layer, rate),
            State::F64(layer) => Work::F64(layer, rate),
        };
        var.as_tensor().inplace_op2(gradient, &Descent::new(name, share, work))
    }
}

/// The address of a tensor's storage, by which two tensors that share it are found.
fn storage(tensor: &Tensor) -> usize {
    let (storage, _) = tensor.storage_and_layout();
    std::ptr::from_ref(&*storage).addr()
}
