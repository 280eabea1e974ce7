//! Ways in which an input may be compressed, by what it begins with.

use crate::failure::Failure;

/// A way to compress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    Gzip,
    Zstd,
    Bzip2,
    Xz,
    Lz4,
    Zip,
}

/// The bytes with which each begins. A frame of zstd may come behind one that is to be skipped, as `pzstd` writes it.
const MAGIC: [(&[u8], Compression); 7] = [
    (b"\x1F\x8B\x08", Compression::Gzip),
    (b"\x28\xB5\x2F\xFD", Compression::Zstd),
    (b"\x50\x2A\x4D\x18", Compression::Zstd),
    (b"BZh", Compression::Bzip2),
    (b"\xFD7zXZ\0", Compression::Xz),
    (b"\x04\x22\x4D\x18", Compression::Lz4),
    (b"PK\x03\x04", Compression::Zip),
];

/// What follows `BZh` and a digit: the mark of the first block, or of the end.
const BZIP2_BLOCKS: [&[u8]; 2] = [b"\x31\x41\x59\x26\x53\x59", b"\x17\x72\x45\x38\x50\x90"];

impl Compression {
    /// The way in which an input that begins like this is compressed.
    pub(crate) fn of(head: &[u8]) -> Option<Self> {
        let found = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, compression)| *compression);
        // Three letters may begin a text.
        let is_block = || head.get(4..).is_some_and(|rest| BZIP2_BLOCKS.iter().any(|block| rest.starts_with(block)));
        found.filter(|found| *found != Self::Bzip2 || is_block())
    }

    /// Whether more bytes are needed to see whether an input that begins like this is compressed.
    pub(super) fn may_be(head: &[u8]) -> bool {
        let is_short = MAGIC.iter().any(|(magic, _)| magic.len() > head.len() && magic.starts_with(head));
        is_short || head.starts_with(b"BZh") && head.len() < 10
    }

    /// The name in messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Lz4 => "lz4",
            Self::Zip => "zip",
        }
    }

    /// The command that unpacks a file to its standard output.
    pub(crate) fn command(self) -> &'static str {
        match self {
            Self::Gzip => "zcat",
            Self::Zstd => "zstdcat",
            Self::Bzip2 => "bzcat",
            Self::Xz => "xzcat",
            Self::Lz4 => "lz4cat",
            Self::Zip => "unzip -p",
        }
    }

    /// The failure of a reader that does not unpack an input of this name, and why it does not.
    pub(crate) fn refused(self, name: &str, why: &str) -> Failure {
        let (compression, command) = (self.name(), self.command());
        Failure::usage(format!("{name} is compressed by {compression}, {why}: unpack it with `{command} FILE |`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_not_compressed() {
        for text in [&b""[..], b"t,a\n", b"BZh,a\n1,2\n3,4\n", b"BZh9", b"PK,a\n", b"(\n", b"\x1F"] {
            assert_eq!(Compression::of(text), None, "{text:?}");
        }
        assert_eq!(Compression::of(b"BZh9\x31\x41\x59\x26\x53\x59"), Some(Compression::Bzip2));
    }

    #[test]
    fn no_more_is_waited_for_than_decides() {
        for (head, more) in [(&b"BZh9"[..], true), (b"BZh9\n1,2\n\n", false), (b"\xFD7zXZ", true), (b"t,a\n", false)] {
            assert_eq!(Compression::may_be(head), more, "{head:?}");
        }
    }
}
