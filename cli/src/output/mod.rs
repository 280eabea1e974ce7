//! Where results go, and in what form.
//!
//! | file | what it does |
//! |---|---|
//! | `tidy.rs` | collects rows and hands them to a thread of their own |
//! | `encode.rs` | rows to CSV or NDJSON, in that thread |
//! | `parquet/` | rows to Parquet, there too; `no_parquet.rs` where that is not built in |
//! | `format.rs` | the formats of rows |
//! | `page.rs` | the buffer in which lines are put together |
//! | `target.rs` | standard output, a device, or a file that is replaced as a whole |

mod encode;
mod format;
mod page;
#[cfg_attr(not(feature = "parquet"), path = "no_parquet.rs")]
mod parquet;
mod target;
mod tidy;

pub(crate) use format::OutputFormat;
pub(crate) use page::Page as LineBuffer;
pub(crate) use target::{Target, check_distinct, check_writable};
pub(crate) use tidy::Tidy;
