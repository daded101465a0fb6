//! GIF (89a): blocks, most of which hold their data in sub-blocks of at most 255 bytes, each behind its length. Comments
//! and what programs add are overwritten but for these lengths, by which decoders find the end; how often an animation
//! is repeated and the colour profile stay.

use super::Next;

/// Application extensions that belong to the picture.
const KEPT: [&[u8; 11]; 3] = [b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012"];

#[derive(Default)]
pub(super) enum Gif {
    /// Before the first byte.
    #[default]
    Begin,
    /// Before a block.
    Block,
    /// Before the length of a sub-block, which may be overwritten.
    Sub { is_aside: bool },
    /// Behind the last block.
    End,
}

impl Gif {
    pub(super) fn next(&mut self, bytes: &mut [u8], size: &mut Option<(i64, i64)>) -> Next {
        match self {
            Self::Begin => {
                let Some(head) = bytes.get(..13) else { return Next::More };
                let number = |at: usize| i64::from(u16::from_le_bytes([head[at], head[at + 1]]));
                *size = Some((number(6), number(8)));
                *self = Self::Block;
                Next::Part { seen: 13, skip: colours(head[10]), blank: 0 }
            }
            Self::Block => self.block(bytes),
            Self::Sub { is_aside } => match (bytes.first().copied(), *is_aside) {
                (None, _) => Next::More,
                (Some(0), _) => self.then(Self::Block, 1, 0, 0),
                (Some(length), false) => Next::Part { seen: 1, skip: length.into(), blank: 0 },
                (Some(length), true) => Next::Part { seen: 1, skip: 0, blank: length.into() },
            },
            Self::End => Next::Part { seen: 0, skip: 0, blank: u64::MAX },
        }
    }

    fn block(&mut self, bytes: &[u8]) -> Next {
        match bytes {
            [0x3b, ..] => self.then(Self::End, 1, 0, 0),
            // An image: where it is, its colours, and a byte before its data.
            [0x2c, ..] => match bytes.get(9) {
                Some(flags) => self.then(Self::Sub { is_aside: false }, 10, colours(*flags) + 1, 0),
                None => Next::More,
            },
            // How the next image is shown, and text that is part of the picture.
            [0x21, 0xf9 | 0x01, ..] => self.then(Self::Sub { is_aside: false }, 2, 0, 0),
            [0x21, 0xff, ..] => match bytes.get(2..14) {
                Some([11, name @ ..]) if KEPT.iter().any(|kept| kept.as_slice() == name) => {
                    self.then(Self::Sub { is_aside: false }, 14, 0, 0)
                }
                Some(_) => self.then(Self::Sub { is_aside: true }, 2, 0, 0),
                None => Next::More,
            },
            [0x21, _, ..] => self.then(Self::Sub { is_aside: true }, 2, 0, 0),
            [0x21] => Next::More,
            _ => Next::Lost,
        }
    }

    fn then(&mut self, next: Self, seen: usize, skip: u64, blank: u64) -> Next {
        *self = next;
        Next::Part { seen, skip, blank }
    }
}

/// Bytes of the table of colours that these flags announce.
fn colours(flags: u8) -> u64 {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::passes;

    /// Two colours, an animation that is repeated, a comment, XMP with its trailer, an image, and something behind.
    fn gif() -> Vec<u8> {
        let trailer: Vec<u8> = std::iter::once(1).chain((0..=255).rev()).chain([0]).collect();
        [
            &b"GIF89a\x02\0\x01\0\x80\0\0\0\0\0\xff\xff\xff"[..],
            b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0",
            b"\x21\xfe\x09taken at \x0852.5200N\0",
            b"\x21\xff\x0bXMP DataXMP<x:xmpmeta gps='52.5200,13.4050'/>",
            &trailer,
            b"\x21\xf9\x04\0\0\0\0\0",
            b"\x2c\0\0\0\0\x02\0\x01\0\0\x02\x02\x44\x0a\0",
            b"\x3bappended 52.5200",
        ]
        .concat()
    }

    #[test]
    fn a_gif_says_its_size_and_nothing_beside_the_picture() {
        let (passed, size) = passes("image/gif", &gif());
        assert_eq!(size, Some((2, 1)));
        let told = |words: &[u8]| passed.windows(words.len()).any(|window| window == words);
        for aside in [&b"taken"[..], b"52.5200", b"13.4050", b"xmpmeta", b"appended", b"XMP Data"] {
            assert!(!told(aside), "{}", String::from_utf8_lossy(aside));
        }
        assert!(told(b"NETSCAPE2.0\x03\x01\0\0\0") && told(b"\x02\x02\x44\x0a\0\x3b"));
        assert_eq!(
            image::load_from_memory(&passed).unwrap().to_rgb8(),
            image::load_from_memory(&gif()).unwrap().to_rgb8()
        );
    }
}
