//! The files of a table that lies in several, where Parquet and Arrow are not built in: there are no such tables.

use crate::failure::{Failure, not_built_in};
use crate::formats::Format;
use std::path::PathBuf;

pub(super) fn table(named: &[PathBuf], _: Option<Format>) -> Result<(Vec<PathBuf>, Format), Failure> {
    let first = named.first().map_or_else(String::new, |path| path.display().to_string());
    Err(not_built_in(&first, "a folder or one of several files"))
}
