//! Reading an input for a command: once, or a second time where its counters have to be found first.

use super::args::{InputArgs, OrderArgs};
use super::found::Found;
use super::numbered::follow;
use super::source::Source;
use crate::console::{Console, Destination};
use crate::failure::Failure;
use crate::samples::{Refusal, Sink, Time};
use std::cell::RefCell;
use std::path::Path;

/// What a command wants of an input, beside its samples.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Plan<'a> {
    /// The order, and the counters.
    pub(crate) order: Option<&'a OrderArgs>,
    /// The input, to be read a second time.
    pub(crate) input: Option<&'a InputArgs>,
}

impl<'a> Plan<'a> {
    /// The plan of a command line.
    pub(crate) fn new(input: &'a InputArgs, order: &'a OrderArgs) -> Self {
        Self { order: Some(order), input: Some(input) }
    }
}

/// Reads all of the input into the sink, and returns what there is to say of its series.
///
/// # Errors
/// The input cannot be used, the sink takes no more, or there is something bad with `--strict`.
pub(crate) fn read(
    source: Source,
    plan: Plan<'_>,
    sink: &mut impl Sink,
    console: &mut Console,
) -> Result<Found, Failure> {
    let defaults = OrderArgs::default();
    let order = plan.order.unwrap_or(&defaults);
    // Standard input, be it a file, is where it has been read to.
    let is_named = |input: &&InputArgs| input.path.as_deref().is_some_and(|path| path != Path::new("-"));
    let again = plan.input.filter(is_named).filter(|_| order.is_auto() && !source.is_live);
    let counters = again.map_or_else(Vec::new, |input| counters(input, order));
    follow(source, order, counters, sink, console)
}

/// The counters of a file, found in reading it once for that alone. What is wrong with it shows when it is read in earnest.
fn counters(input: &InputArgs, order: &OrderArgs) -> Vec<String> {
    let Ok(source) = Source::open(input) else { return Vec::new() };
    let mut console = source.console_to(&input.read, Destination::List(RefCell::default()));
    let order = OrderArgs { late: order.late, rate: Vec::new() };
    follow(source, &order, Vec::new(), &mut Nothing, &mut console).map_or_else(|_| Vec::new(), |found| found.counters)
}

/// A sink that does nothing with its samples.
struct Nothing;

impl Sink for Nothing {
    fn series(&mut self, _: &str) -> Result<(), Failure> {
        Ok(())
    }

    fn row(&mut self, _: Time<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    fn sample(&mut self, _: usize, _: f64) -> Result<(), Refusal> {
        Ok(())
    }

    fn takes_rows(&self) -> bool {
        true
    }
}
