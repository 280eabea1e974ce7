//! The peers, a file for each library, entered for the cases that they have an answer to.

mod by_hand;
mod hampel;
mod ours;
#[cfg(feature = "polars")]
mod polars;
mod watermill;
mod yata;

use crate::case::{Block, Case};
use crate::contestant::Contestant;
use crate::lane::Lane;
pub(crate) use hampel::Windows;
use std::error::Error;
use std::rc::Rc;

/// Everybody who is there for a case.
pub(crate) type Field = Vec<Box<dyn Contestant>>;

/// Every peer that has an answer to the case, each held to its plain loop. evenkeel's two come first.
pub(crate) fn enter<T: Lane>(case: &Case, block: &Rc<Block<T>>) -> Result<Field, Box<dyn Error>> {
    let mut field = ours::enter(case, block)?;
    field.extend(by_hand::enter(case, block)?);
    field.extend(watermill::enter(case, block)?);
    field.extend(hampel::enter(case, block)?);
    field.extend(yata::enter(case, block)?);
    #[cfg(feature = "polars")]
    field.extend(polars::enter(case, block)?);
    Ok(field)
}
