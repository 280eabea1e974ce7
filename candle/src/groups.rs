//! Groups: tensors that are trained with parameters of their own, and the learning rate that they have in common.

use crate::config::ParamsRobustSgm;
use candle_core::Var;
use candle_nn::VarMap;
use std::sync::PoisonError;

/// Variables under their names, and the parameters with which they are trained:
/// [`RobustSgm::from_groups`](crate::RobustSgm::from_groups) makes an optimiser of several.
///
/// ```
/// use candle_core::{DType, Device};
/// use candle_nn::{VarBuilder, VarMap, linear};
/// use evenkeel_candle::{Group, ParamsRobustSgm, RobustSgm, named_vars};
///
/// let map = VarMap::new();
/// let model = linear(3, 1, VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu).pp("out"))?;
///
/// // Weight decay for everything but the biases.
/// let params = ParamsRobustSgm { weight_decay: 0.01, ..Default::default() };
/// let (bare, decayed) = named_vars(&map).into_iter().partition(|(name, _)| name.ends_with("bias"));
/// let optimiser = RobustSgm::from_groups([
///     Group { vars: decayed, params: params.clone() },
///     Group { vars: bare, params: ParamsRobustSgm { weight_decay: 0.0, ..params } },
/// ])?;
/// assert_eq!(optimiser.vars().map(|(name, _)| name).collect::<Vec<_>>(), ["out.weight", "out.bias"]);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Group {
    /// The variables, each under a name of its own.
    pub vars: Vec<(String, Var)>,
    /// The parameters of all of them.
    pub params: ParamsRobustSgm,
}

/// The variables of a map under the names that they have there, in the order of these names.
#[must_use]
pub fn named_vars(map: &VarMap) -> Vec<(String, Var)> {
    let data = map.data().lock().unwrap_or_else(PoisonError::into_inner);
    let mut named: Vec<(String, Var)> = data.iter().map(|(name, var)| (name.clone(), var.clone())).collect();
    drop(data);
    named.sort_by(|a, b| a.0.cmp(&b.0));
    named
}

/// The parameters of all groups.
#[derive(Clone, Debug)]
pub(crate) struct Groups {
    params: Vec<ParamsRobustSgm>,
    /// The learning rates that were given; those in `params` have the same ratios.
    given: Vec<f64>,
    /// The largest learning rate of a group.
    rate: f64,
    /// The parameters where there is no group.
    none: ParamsRobustSgm,
}

impl Groups {
    pub(crate) fn new(params: Vec<ParamsRobustSgm>) -> Self {
        let given: Vec<f64> = params.iter().map(|params| params.lr).collect();
        Self { params, rate: largest(&given), given, none: ParamsRobustSgm::default() }
    }

    pub(crate) fn first(&self) -> &ParamsRobustSgm {
        self.params.first().unwrap_or(&self.none)
    }

    pub(crate) fn all(&self) -> &[ParamsRobustSgm] {
        &self.params
    }

    pub(crate) fn rate(&self) -> f64 {
        self.rate
    }

    /// Scales all learning rates so that the largest is this one.
    pub(crate) fn set_rate(&mut self, rate: f64) {
        let largest = largest(&self.given);
        for (params, &given) in self.params.iter_mut().zip(&self.given) {
            params.lr = if given == largest { rate } else { given * (rate / largest) };
        }
        self.rate = rate;
    }
}

fn largest(rates: &[f64]) -> f64 {
    rates.iter().copied().fold(0.0, f64::max)
}
