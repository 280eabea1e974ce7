//! One run: a network trained from a seed.

use anyhow::Result;
use candle_core::Var;
use candle_core::backprop::GradStore;
use evenkeel_candle::{norm, weigh};

use super::method::{Method, Setting};
use super::study::Effort;
use super::task::{Lesson, Score};

/// The share of a run in which the learning rate rises. From there it falls linearly to zero.
pub(crate) const RISES: f64 = 0.05;

/// Trains a network for so many steps, and returns its score: none if there are numbers in it that are none.
pub(crate) fn train(
    lesson: &mut dyn Lesson,
    method: Method,
    setting: Setting,
    batch: usize,
    effort: Effort,
) -> Result<Option<Score>> {
    let mut optimiser = method.optimiser(lesson.vars().to_vec(), setting)?;
    let mut clip = method.clip(setting)?;
    let mut guard = method.weighs(batch)?;
    for step in 0..effort.steps {
        let losses = lesson.losses()?;
        let loss = match &mut guard {
            Some(guard) => (weigh(guard, &losses)? * losses)?.mean_all()?,
            None => losses.mean_all()?,
        };
        let mut grads = loss.backward()?;
        let spike = lesson.spike();
        multiply(&mut grads, lesson.vars(), spike)?;
        let factor = clip.factor(norm(&grads, lesson.vars())?);
        // A factor of 0 skips the step.
        if factor > 0.0 {
            multiply(&mut grads, lesson.vars(), factor)?;
            optimiser.step(&grads, setting.rate * schedule(step, effort.steps))?;
        }
    }
    let score = lesson.score(effort.examples)?;
    Ok(Some(score).filter(|score| score.validation.is_finite() && score.test.is_finite()))
}

/// The factor of the learning rate.
fn schedule(step: usize, steps: usize) -> f64 {
    let done = (step as f64 + 0.5) / steps as f64;
    (done / RISES).min((1.0 - done) / (1.0 - RISES))
}

fn multiply(grads: &mut GradStore, vars: &[Var], factor: f64) -> Result<()> {
    if factor != 1.0 {
        for var in vars {
            if let Some(grad) = grads.remove(var) {
                grads.insert(var, (grad * factor)?);
            }
        }
    }
    Ok(())
}
