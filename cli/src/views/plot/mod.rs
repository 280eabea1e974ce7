//! The plot of `evenkeel track --plot`, an SVG with a panel for every series, and the same panels one by one, for a
//! page.
//!
//! | file | what it does |
//! |---|---|
//! | `data.rs`, `bucket.rs`, `time.rs` | takes samples and sums them up |
//! | `sheet.rs`, `picture.rs` | all panels on one sheet, and one panel a picture |
//! | `place.rs`, `panel.rs` | a panel in its place, and what is drawn on it |
//! | `layout.rs` | where everything goes |
//! | `time_axis.rs`, `axis.rs`, `unit.rs` | axes, their marks and their labels |
//! | `style.rs` | colours, lines, letters and marks |
//!
//! Samples arrive one by one and are summed up in a bounded number of buckets, so a plot takes the same memory for a
//! million rows as for a few thousand. Nothing is drawn before [`Plot::write`] or [`Plot::pictures`].

mod axis;
mod bucket;
mod data;
mod layout;
mod panel;
mod picture;
mod place;
mod sheet;
mod style;
mod time;
mod time_axis;
mod unit;

pub(crate) use bucket::Sample;
pub(crate) use data::{Capacity, Lines, Plot};
pub(crate) use picture::Picture;
pub(crate) use style::PALETTE;

#[cfg(test)]
mod tests;
