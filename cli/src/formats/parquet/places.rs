//! The places of columns in a file, which are to lie within it.

use parquet::arrow::ProjectionMask;
use parquet::file::metadata::ParquetMetaData;

/// Checks that every piece of these columns lies within the file. The decoder takes that for granted.
pub(super) fn check_places(metadata: &ParquetMetaData, columns: &ProjectionMask, size: u64) -> Result<(), String> {
    let groups = metadata.row_groups().iter();
    let pieces = groups.flat_map(|group| group.columns().iter().enumerate());
    for (_, piece) in pieces.filter(|(index, _)| columns.leaf_included(*index)) {
        let start = piece.dictionary_page_offset().unwrap_or(piece.data_page_offset());
        let end = start.checked_add(piece.compressed_size());
        let is_within = |end| u64::try_from(end).is_ok_and(|end| end <= size);
        if start < 0 || piece.compressed_size() < 0 || !end.is_some_and(is_within) {
            return Err(format!("column {} reaches beyond the end of the file", piece.column_path()));
        }
    }
    Ok(())
}
