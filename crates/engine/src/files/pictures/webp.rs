//! WebP: chunks in a RIFF, each padded to an even length.

use super::Next;

/// Where an extended file says that it has Exif and XMP.
const ASIDE: u8 = 0x08 | 0x04;
/// The type that a chunk with metadata gets: decoders pass over it.
const NOTHING: &[u8; 4] = b"noth";

#[derive(Default)]
pub(super) struct Webp {
    is_begun: bool,
    /// Bytes of the file, by what it says itself, that have not come by. What stands behind them is not of the picture.
    left: u64,
}

impl Webp {
    pub(super) fn next(&mut self, bytes: &mut [u8], size: &mut Option<(i64, i64)>) -> Next {
        if !self.is_begun {
            let Some(head) = bytes.get(..12) else { return Next::More };
            self.is_begun = head.starts_with(b"RIFF") && head.ends_with(b"WEBP");
            // It counts what comes after itself: the kind of the file, and at least the head of a chunk. Of one that does
            // not say how long it is, nothing is known to stand behind it.
            let length = u64::from(u32::from_le_bytes([head[4], head[5], head[6], head[7]]));
            self.left = if length < 12 { u64::MAX } else { length - 4 };
            return if self.is_begun { Next::Part { seen: 12, skip: 0, blank: 0 } } else { Next::Lost };
        }
        if self.left == 0 {
            return Next::Part { seen: 0, skip: 0, blank: u64::MAX };
        }
        let Some((head, data)) = bytes.split_at_mut_checked(8) else { return Next::More };
        let length = u64::from(u32::from_le_bytes([head[4], head[5], head[6], head[7]]));
        let padded = length + length % 2;
        let kind = <[u8; 4]>::try_from(&head[..4]).unwrap_or_default();
        if &kind == b"EXIF" || &kind == b"XMP " {
            head[..4].copy_from_slice(NOTHING);
            self.left = self.left.saturating_sub(8 + padded);
            return Next::Part { seen: 8, skip: 0, blank: padded };
        }
        if matches!(&kind, b"VP8X" | b"VP8 " | b"VP8L") {
            let Some(first) = data.get_mut(..10) else { return Next::More };
            if &kind == b"VP8X" {
                first[0] &= !ASIDE;
            }
            // That of the whole stands first.
            if size.is_none() {
                *size = size_in(&kind, first);
            }
        }
        self.left = self.left.saturating_sub(8 + padded);
        Next::Part { seen: 8, skip: padded, blank: 0 }
    }
}

/// The size that the first bytes of a chunk say.
fn size_in(kind: &[u8; 4], first: &[u8]) -> Option<(i64, i64)> {
    let short = |at: usize| Some(i64::from(u16::from_le_bytes([*first.get(at)?, *first.get(at + 1)?])));
    match kind {
        b"VP8X" => {
            let three = |at: usize| Some(short(at)? | i64::from(*first.get(at + 2)?) << 16);
            Some((three(4)? + 1, three(7)? + 1))
        }
        // Fourteen bits for each, behind the signature.
        b"VP8L" => {
            let bits = short(1)? | short(3)? << 16;
            Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        _ => Some((short(6)? & 0x3fff, short(8)? & 0x3fff)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::passes;

    fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap().to_le_bytes();
        let padding = &b"\0"[..data.len() % 2];
        [&kind[..], &length, data, padding].concat()
    }

    fn webp(chunks: &[Vec<u8>]) -> Vec<u8> {
        [&b"RIFF\0\0\0\0WEBP"[..], &chunks.concat()].concat()
    }

    #[test]
    fn a_webp_says_its_size_and_nothing_beside_the_picture() {
        let extended = chunk(b"VP8X", b"\x1c\0\0\0\x7f\x02\0\xdf\x01\0");
        let pixels = chunk(b"VP8 ", b"the picture with EXIF in it");
        let file = webp(&[extended, pixels.clone(), chunk(b"EXIF", b"52.5200 N"), chunk(b"XMP ", b"<x:gps/>")]);
        let (passed, size) = passes("image/webp", &file);
        assert_eq!(size, Some((640, 480)));
        let told = |words: &[u8]| passed.windows(words.len()).any(|window| window == words);
        assert!(!told(b"52.5200") && !told(b"gps") && told(&pixels));
        assert_eq!(passed[20], 0x10, "and it does not say that it has any");
    }

    #[test]
    fn nothing_is_kept_of_what_stands_behind_the_end() {
        let mut file = webp(&[chunk(b"VP8 ", b"\x30\x01\0\x9d\x01\x2a\x80\x02\xe0\x01 and so on")]);
        let length = u32::try_from(file.len() - 8).unwrap();
        file[4..8].copy_from_slice(&length.to_le_bytes());
        let (passed, size) = passes("image/webp", &[&file[..], &chunk(b"VP8 ", b"what was cropped"), b"and"].concat());
        assert_eq!(size, Some((640, 480)));
        assert!(passed.starts_with(&file) && passed[file.len()..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn a_plain_one_says_it_in_the_picture_itself() {
        let lossy = chunk(b"VP8 ", b"\x30\x01\0\x9d\x01\x2a\x80\x02\xe0\x01 and so on");
        assert_eq!(passes("image/webp", &webp(&[lossy])).1, Some((640, 480)));
        let bits = 639_u32 | 479 << 14;
        let lossless = chunk(b"VP8L", &[&[0x2f][..], &bits.to_le_bytes(), b" and so on"].concat());
        assert_eq!(passes("image/webp", &webp(&[lossless])).1, Some((640, 480)));
    }
}
