//! Target `robust_mean`: any rule on any samples, against the scalar specification. All four state columns and all scores are
//! the same bits, row by row, in one block and scored.

use crate::draw::{Belief, Draw};
use crate::oracle::{Float, Outcome, Spec, State};
use crate::{assert_words, for_the_drawn_type, rules};
use evenkeel::{Backend, Columns, RobustMean, Sweep};

pub fn check(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    for_the_drawn_type!(check_as, draw);
}

/// Rows, and what the specification makes of them.
struct Story<T> {
    rows: Vec<Vec<T>>,
    /// After each row, the columns and the outcomes.
    states: Vec<[Vec<T>; 4]>,
    outcomes: Vec<Vec<Outcome<T>>>,
}

fn check_as<T: Float>(draw: &mut Draw) {
    let Some((rule, parameters)) = rules::robust(draw) else { return };
    let gain = parameters.alpha;
    let half_max = T::LARGEST.to_f64() / 2.0;
    let sweep = Sweep::<RobustMean, T>::new(rule);
    let carried = gain >= T::MIN_GAIN && gain <= 1.0 - 2.0_f64.powi(-20) && parameters.resolution_floor < half_max;
    assert_eq!(sweep.is_ok(), carried, "{rule:?}");
    let Ok(sweep) = sweep else { return };
    let spec = Spec::<T>::new(&parameters);
    let channels = 1 + draw.below(70);
    let story = tell(draw, &spec, &rules::thresholds(&parameters), channels);
    for backend in Backend::available() {
        let sweep = sweep.clone().with_backend(backend).expect("available");
        row_by_row(&sweep, &story);
        in_one_block(&sweep, &story, channels);
        scored(&sweep, &story);
    }
    observed(&sweep, &story);
}

fn tell<T: Float>(draw: &mut Draw, spec: &Spec<T>, thresholds: &[f64], channels: usize) -> Story<T> {
    let mut states = vec![State::<T>::unseen(); channels];
    let mut story = Story { rows: Vec::new(), states: Vec::new(), outcomes: Vec::new() };
    while !draw.is_empty() && story.rows.len() < 400 {
        let beliefs: Vec<_> = states.iter().map(|s| Belief { location: s.location, scale: s.scale }).collect();
        let row = draw.row(&beliefs, thresholds);
        let step = |(state, &sample): (&mut State<T>, &T)| {
            let (next, outcome) = spec.step(state, sample);
            *state = next;
            outcome
        };
        story.outcomes.push(states.iter_mut().zip(&row).map(step).collect());
        assert!(states.iter().all(State::is_finite), "the specification itself: {states:?}");
        story.states.push(columns(&states));
        story.rows.push(row);
    }
    story
}

fn columns<T: Float>(states: &[State<T>]) -> [Vec<T>; 4] {
    [0, 1, 2, 3].map(|column| states.iter().map(|state| state.columns()[column]).collect())
}

fn assert_state<T: Float>(
    sweep: &Sweep<RobustMean, T>,
    found: &mut Columns<RobustMean, T>,
    expected: &[Vec<T>; 4],
    row: usize,
) {
    for (column, (found, expected)) in found.as_slices().into_iter().zip(expected).enumerate() {
        assert_words(found, expected, || format!("column {column} after row {row}, {sweep:?}"));
    }
}

fn fresh<T: Float>(story: &Story<T>) -> Columns<RobustMean, T> {
    Columns::new(story.rows.first().map_or(0, Vec::len)).expect("few")
}

fn row_by_row<T: Float>(sweep: &Sweep<RobustMean, T>, story: &Story<T>) {
    let mut columns = fresh(story);
    for (index, row) in story.rows.iter().enumerate() {
        sweep.update(columns.as_mut_slices(), row).expect("one sample a channel");
        assert_state(sweep, &mut columns, &story.states[index], index);
    }
}

fn in_one_block<T: Float>(sweep: &Sweep<RobustMean, T>, story: &Story<T>, channels: usize) {
    let Some(last) = story.states.last() else { return };
    let mut columns = fresh(story);
    let block = story.rows.concat();
    // Two blocks, so that the second begins on a state that is not new.
    let (early, late) = block.split_at(story.rows.len() / 3 * channels);
    sweep.update_rows(columns.as_mut_slices(), early).expect("whole rows");
    sweep.update_rows(columns.as_mut_slices(), late).expect("whole rows");
    assert_state(sweep, &mut columns, last, story.rows.len());
}

fn scored<T: Float>(sweep: &Sweep<RobustMean, T>, story: &Story<T>) {
    let mut columns = fresh(story);
    for (index, (row, outcomes)) in story.rows.iter().zip(&story.outcomes).enumerate() {
        let mut scores = vec![T::from_f64(-7.0); row.len()];
        sweep.update_scored(columns.as_mut_slices(), row, &mut scores).expect("one sample a channel");
        let expected: Vec<T> = outcomes.iter().map(|outcome| outcome.score).collect();
        assert_words(&scores, &expected, || format!("score in row {index}, {sweep:?}"));
    }
    if let Some(last) = story.states.last() {
        assert_state(sweep, &mut columns, last, story.rows.len());
    }
}

/// What is said of one sample, of the first channel. It runs on one lane whatever the backend.
fn observed<T: Float>(sweep: &Sweep<RobustMean, T>, story: &Story<T>) {
    let mut columns = fresh(story);
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
