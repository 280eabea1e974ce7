//! The native half of the Python package `evenkeel`. It knows numpy's buffers and Python's numbers and strings; what data
//! frames are is known by the Python around it.
//!
//! | file | what it does |
//! |---|---|
//! | `rule.rs` | rules, from keywords or from a snapshot |
//! | `engine.rs` | a bank of any rule behind one trait |
//! | `buffers.rs` | numpy's arrays as slices |
//! | `pass.rs` | passes over many samples, without the interpreter's lock |
//! | `columns.rs` | whole columns |
//! | `keys.rs` | columns of keys as numbers |
//! | `bank.rs` | channels to be updated again and again |
//! | `tracker.rs` | named series that come and go |
//! | `one.rs` | one series by itself, and snapshots in parts |
//! | `guards.rs` | the guards of a training |
//! | `learning_rate.rs` | the rule of an optimiser's step |
//! | `layer.rs` | the step of many tensors |
//! | `norm.rs` | the norm of many tensors |
//! | `error.rs` | errors as Python's |

mod bank;
mod buffers;
mod columns;
mod engine;
mod error;
mod guards;
mod keys;
mod layer;
mod learning_rate;
mod norm;
mod one;
mod pass;
mod rule;
mod tracker;

/// The native half of `evenkeel`.
#[pyo3::pymodule]
mod _core {
    #[pymodule_export]
    use crate::bank::Bank;
    #[pymodule_export]
    use crate::columns::{address, column};
    #[pymodule_export]
    use crate::engine::forked;
    #[pymodule_export]
    use crate::error::{LateSampleError, SnapshotError, TooManySeriesError};
    #[pymodule_export]
    use crate::guards::{GradientGuard, GradientGuards, LossGuard};
    #[pymodule_export]
    use crate::keys::{factorize_integers, factorize_strings, factorize_wide};
    #[pymodule_export]
    use crate::layer::{Layer, descend_layers};
    #[pymodule_export]
    use crate::learning_rate::LearningRate;
    #[pymodule_export]
    use crate::norm::norm;
    #[pymodule_export]
    use crate::one::{OneSeries, key_hash, merge_snapshots, split_snapshot};
    #[pymodule_export]
    use crate::rule::{Rule, duration};
    #[pymodule_export]
    use crate::tracker::{Tracker, snapshot_info};
}
