//! Text: numbers and times as text and back, and text made fit to be shown.

pub(crate) mod dates;
pub(crate) mod moments;
pub(crate) mod number;
pub(crate) mod quote;
pub(crate) mod time;
