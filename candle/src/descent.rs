//! The step of one tensor, as an operation on its storage, and the threads that make it.
//!
//! candle lends the storage of a tensor for writing to one operation at a time: tensors cannot be handed to
//! [`evenkeel::descend_layers`] together.

use crate::error::Error;
use candle_core::{CpuStorage, InplaceOp2, Layout, Result};
use evenkeel::{Layer, LearningRate, Real, Threads, UpdateError};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::cell::RefCell;
use std::sync::OnceLock;

/// The threads that share large tensors, a pool of their own.
///
/// A thread that updates a tensor holds its lock. Were its work shared in a pool where other things are done, a thread
/// that waits for its share might be given work that waits for that lock, and both would wait for ever. In this pool
/// nobody does anything but arithmetic.
pub(crate) fn pool() -> Option<&'static ThreadPool> {
    static POOL: OnceLock<Option<ThreadPool>> = OnceLock::new();
    POOL.get_or_init(|| ThreadPoolBuilder::new().thread_name(|index| format!("robust-sgm {index}")).build().ok())
        .as_ref()
}

/// The threads that update a tensor.
#[derive(Clone, Copy)]
pub(crate) enum Share {
    /// The thread that holds the tensor's lock, which takes no other work meanwhile.
    Alone,
    /// All threads of the optimiser's own pool.
    Pool(&'static ThreadPool),
}

/// Whether a tensor is so large that it is worth all threads.
pub(crate) fn is_large<T>(weights: usize) -> bool {
    weights.saturating_mul(7 * size_of::<T>()) >= Threads::AUTO_BYTES
}

/// A step of one tensor as an operation on its storage.
pub(crate) struct Descent<'a, F> {
    name: &'a str,
    share: Share,
    /// Taken by the one call that is made.
    work: RefCell<Option<Work<'a, F>>>,
}

pub(crate) enum Work<'a, F> {
    F32(&'a mut Layer<LearningRate, f32>, F),
    F64(&'a mut Layer<LearningRate, f64>, F),
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

impl<'a, F> Descent<'a, F> {
    pub(crate) fn new(name: &'a str, share: Share, work: Work<'a, F>) -> Self {
        Self { name, share, work: RefCell::new(Some(work)) }
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
