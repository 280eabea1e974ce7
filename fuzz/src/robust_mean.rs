//! Targets `robust_mean` and `cleaned_ema`: any rule on any samples, against the scalar specification. All state columns and all
//! scores are the same bits, row by row, in one block and scored.

use crate::assert_words;
use crate::draw::Draw;
use crate::oracle::{Float, Outcome, Spec, Specification};
use crate::rules::{Drawn, Made};
use evenkeel::{Backend, Columns, Scored, Sweep};

pub fn check(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    if draw.flag() { check_as::<f32, Spec<f32>>(&mut draw) } else { check_as::<f64, Spec<f64>>(&mut draw) }
}

/// Rows, and what the specification makes of them.
struct Story<T> {
    rows: Vec<Vec<T>>,
    /// After each row, the columns and the outcomes.
    states: Vec<Vec<Vec<T>>>,
    outcomes: Vec<Vec<Outcome<T>>>,
}

pub(crate) fn check_as<T: Float, O: Drawn<T>>(draw: &mut Draw) {
    let Some(made) = O::drawn(draw) else { return };
    let sweep = Sweep::<O::Rule, T>::new(made.rule);
    assert_eq!(sweep.is_ok(), made.is_carried::<T>(), "{:?}", made.rule);
    let Ok(sweep) = sweep else { return };
    let channels = 1 + draw.below(70);
    let story = tell(draw, &made, channels);
    for backend in Backend::available() {
        let sweep = sweep.clone().with_backend(backend).expect("available");
        row_by_row(&sweep, &story);
        in_one_block(&sweep, &story, channels);
        scored(&sweep, &story);
    }
    observed(&sweep, &story);
}

fn tell<T: Float, O: Drawn<T>>(draw: &mut Draw, made: &Made<O::Rule, O>, channels: usize) -> Story<T> {
    let spec = &made.spec;
    let mut states = vec![O::unseen(); channels];
    let mut story = Story { rows: Vec::new(), states: Vec::new(), outcomes: Vec::new() };
    while !draw.is_empty() && story.rows.len() < 400 {
        let beliefs: Vec<_> = states.iter().map(|state| spec.belief(state)).collect();
        let row = draw.row(&beliefs, &made.thresholds);
        let step = |(state, &sample): (&mut O::State, &T)| {
            let (next, outcome) = spec.step(state, sample, None);
            *state = next;
            outcome
        };
        story.outcomes.push(states.iter_mut().zip(&row).map(step).collect());
        assert!(states.iter().all(|state| spec.is_finite(state)), "the specification itself: {states:?}");
        story.states.push(columns(spec, &states));
        story.rows.push(row);
    }
    story
}

fn columns<T: Float, O: Specification<T>>(spec: &O, states: &[O::State]) -> Vec<Vec<T>> {
    let states: Vec<Vec<T>> = states.iter().map(|state| spec.columns(state)).collect();
    let count = states.first().map_or(0, Vec::len);
    (0..count).map(|column| states.iter().map(|state| state[column]).collect()).collect()
}

fn assert_state<R: Scored, T: Float>(sweep: &Sweep<R, T>, found: &Columns<R, T>, expected: &[Vec<T>], row: usize) {
    for (column, (found, expected)) in found.as_slices().into_iter().zip(expected).enumerate() {
        assert_words(found, expected, || format!("column {column} after row {row}, {sweep:?}"));
    }
}

fn fresh<R: Scored, T: Float>(story: &Story<T>) -> Columns<R, T> {
    Columns::new(story.rows.first().map_or(0, Vec::len)).expect("few")
}

fn row_by_row<R: Scored, T: Float>(sweep: &Sweep<R, T>, story: &Story<T>) {
    let mut columns = fresh::<R, T>(story);
    for (index, row) in story.rows.iter().enumerate() {
        sweep.update(columns.as_mut_slices(), row).expect("one sample a channel");
        assert_state(sweep, &columns, &story.states[index], index);
    }
}

fn in_one_block<R: Scored, T: Float>(sweep: &Sweep<R, T>, story: &Story<T>, channels: usize) {
    let Some(last) = story.states.last() else { return };
    let mut columns = fresh::<R, T>(story);
    let block = story.rows.concat();
    // Two blocks, so that the second begins on a state that is not new.
    let (early, late) = block.split_at(story.rows.len() / 3 * channels);
    sweep.update_rows(columns.as_mut_slices(), early).expect("whole rows");
    sweep.update_rows(columns.as_mut_slices(), late).expect("whole rows");
    assert_state(sweep, &columns, last, story.rows.len());
}

fn scored<R: Scored, T: Float>(sweep: &Sweep<R, T>, story: &Story<T>) {
    let mut columns = fresh::<R, T>(story);
    for (index, (row, outcomes)) in story.rows.iter().zip(&story.outcomes).enumerate() {
        let mut scores = vec![T::from_f64(-7.0); row.len()];
        sweep.update_scored(columns.as_mut_slices(), row, &mut scores).expect("one sample a channel");
        let expected: Vec<T> = outcomes.iter().map(|outcome| outcome.score).collect();
        assert_words(&scores, &expected, || format!("score in row {index}, {sweep:?}"));
    }
    if let Some(last) = story.states.last() {
        assert_state(sweep, &columns, last, story.rows.len());
    }
}

/// What is said of one sample, of the first channel. It runs on one lane whatever the backend.
fn observed<R: Scored, T: Float>(sweep: &Sweep<R, T>, story: &Story<T>) {
    let mut columns = fresh::<R, T>(story);
    for (index, (row, outcomes)) in story.rows.iter().zip(&story.outcomes).enumerate() {
        let seen = sweep.observe(columns.as_mut_slices(), 0, row[0]).expect("the channel exists");
        let outcome = outcomes[0];
        let found = (seen.accepted, seen.outlier, seen.reopened, seen.score.to_word());
        let reopened = outcome.opened && !outcome.first;
        assert_eq!(
            found,
            (outcome.accepted, outcome.strike, reopened, outcome.score.to_word()),
            "row {index}, {sweep:?}"
        );
    }
}
