//! The checksums of a snapshot, renewed after a change of its bytes, so that the reader looks further than at them.

/// Makes both checksums right for what the bytes are now, if there is room for them.
pub(crate) fn mend(bytes: &mut [u8]) {
    let Some(length) = bytes.get(12..16).and_then(|length| length.try_into().ok()) else { return };
    let end = 16_usize.saturating_add(u32::from_le_bytes(length) as usize);
    if end.saturating_add(8) > bytes.len() {
        return;
    }
    let head = crc32fast::hash(&bytes[..end]);
    bytes[end..end + 4].copy_from_slice(&head.to_le_bytes());
    let last = bytes.len() - 4;
    let body = crc32fast::hash(&bytes[end + 4..last]);
    bytes[last..].copy_from_slice(&body.to_le_bytes());
}
