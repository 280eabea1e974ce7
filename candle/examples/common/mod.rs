//! What the studies `chars` and `digits` share: the methods that are compared, one run, the choice of settings, what is printed.
//!
//! | file | what it does |
//! |---|---|
//! | `task.rs` | what a study brings along: a network, data, and what is wrong with them |
//! | `method.rs` | the methods that are compared: an optimiser, and what stands between it and the errors |
//! | `spam.rs` | SPAM |
//! | `training.rs` | one run |
//! | `study.rs` | the choice of settings, and the runs that count |
//! | `report.rs`, `plot.rs` | what came out |
//! | `program.rs` | the arguments, and the files that are written |
//! | `single.rs` | the rounding to the precision of networks |
//! | `threads.rs` | candle on one thread |
//!
//! The clips and the other optimisers are those of the study `train`, which draws its picture with `plot.rs`, too.

#[path = "../train/clipping.rs"]
#[allow(dead_code, reason = "AutoClip is compared there alone")]
pub(crate) mod clipping;
pub(crate) mod method;
#[path = "../train/optimisers.rs"]
#[allow(dead_code, reason = "SGD is compared there alone")]
pub(crate) mod optimisers;
pub(crate) mod plot;
pub(crate) mod program;
pub(crate) mod report;
#[path = "../train/rounded.rs"]
#[allow(dead_code, reason = "rounded state is compared there alone")]
pub(crate) mod rounded;
pub(crate) mod single;
pub(crate) mod spam;
pub(crate) mod study;
pub(crate) mod task;
pub(crate) mod threads;
pub(crate) mod training;

pub(crate) use program::run;
pub(crate) use task::{Lesson, Score, Sheet, Task, uniform};
