//! PNG: chunks, each with its length, its type and a checksum.

use super::Next;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Chunks that say something beside the picture: Exif, texts, and when it was changed.
const ASIDE: &[&[u8]] = &[b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME"];
/// The type that such a chunk gets: every decoder passes over it.
const NOTHING: &[u8; 4] = b"noTh";

#[derive(Default)]
pub(super) struct Png {
    is_begun: bool,
    /// The checksum that is next, of a chunk that was overwritten.
    sum: Option<u32>,
}

impl Png {
    pub(super) fn next(&mut self, bytes: &mut [u8], size: &mut Option<(i64, i64)>) -> Next {
        if !self.is_begun {
            let Some(first) = bytes.get(..8) else { return Next::More };
            self.is_begun = first == SIGNATURE;
            return if self.is_begun { Next::Part { seen: 8, skip: 0, blank: 0 } } else { Next::Lost };
        }
        if let Some(sum) = self.sum {
            let Some(place) = bytes.get_mut(..4) else { return Next::More };
            place.copy_from_slice(&sum.to_be_bytes());
            self.sum = None;
            return Next::Part { seen: 4, skip: 0, blank: 0 };
        }
        let Some((head, rest)) = bytes.split_at_mut_checked(8) else { return Next::More };
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        let kind = &mut head[4..8];
        if ASIDE.contains(&&*kind) {
            kind.copy_from_slice(NOTHING);
            self.sum = Some(sum_of_zeros(length));
            return Next::Part { seen: 8, skip: 0, blank: u64::from(length) };
        }
        if kind == b"IHDR" {
            let Some(found) = rest.get(..8) else { return Next::More };
            let number =
                |at: usize| i64::from(u32::from_be_bytes([found[at], found[at + 1], found[at + 2], found[at + 3]]));
            *size = Some((number(0), number(4)));
        }
        // Editors that crop a picture in place have left the rest of the old file behind the end of the new one.
        let behind = if kind == b"IEND" { u64::MAX } else { 0 };
        Next::Part { seen: 8, skip: u64::from(length) + 4, blank: behind }
    }
}

/// The checksum of a chunk [`NOTHING`] with so many zeros.
fn sum_of_zeros(length: u32) -> u32 {
    let add = |sum: u32, byte: u8| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 })
    };
    let kind = NOTHING.iter().fold(!0, |sum, byte| add(sum, *byte));
    // A file that says that it has more than that is not believed.
    !(0..length.min(1 << 22)).fold(kind, |sum, _| add(sum, 0))
}

#[cfg(test)]
mod tests {
    use super::{super::tests::passes, *};

    fn chunk(kind: &[u8], data: &[u8], sum: u32) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap().to_be_bytes();
        [&length[..], kind, data, &sum.to_be_bytes()].concat()
    }

    #[test]
    fn a_png_says_its_size_and_nothing_beside_the_picture() {
        let header = chunk(b"IHDR", b"\0\0\x02\x80\0\0\x01\xe0\x08\x06\0\0\0", 1);
        let pixels = chunk(b"IDAT", b"eXIf tEXt in the picture itself", 2);
        let end = chunk(b"IEND", b"", 3);
        let aside = [
            chunk(b"eXIf", b"II*\0 52.5200 N 13.4050 E", 4),
            chunk(b"tEXt", b"Author\0Ann", 5),
            chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x/>", 6),
            chunk(b"tIME", b"\x07\xe9\x01\x01\x0c\0\0", 7),
        ];
        let png = [SIGNATURE, &header, &aside.concat(), &pixels, &end].concat();
        let (passed, size) = passes("image/png", &png);
        assert_eq!(size, Some((640, 480)));
        let told = |words: &[u8]| passed.windows(words.len()).any(|window| window == words);
        assert!(!told(b"52.5200") && !told(b"Ann") && !told(b"adobe") && !told(b"\x07\xe9\x01\x01"));
        assert!(passed.ends_with(&[pixels, end].concat()) && passed.starts_with(&[SIGNATURE, &header].concat()));
    }

    #[test]
    fn nothing_is_kept_of_what_stands_behind_the_end() {
        let header = chunk(b"IHDR", b"\0\0\x02\x80\0\0\x01\xe0\x08\x06\0\0\0", 1);
        let png = [SIGNATURE, &header, &chunk(b"IDAT", b"pixels", 2), &chunk(b"IEND", b"", 3)].concat();
        let cropped = chunk(b"IDAT", b"what was cropped", 4);
        let (passed, size) = passes("image/png", &[&png[..], &cropped, b"and"].concat());
        assert_eq!(size, Some((640, 480)));
        assert_eq!(passed, [&png[..], &vec![0; cropped.len() + 3]].concat());
    }

    #[test]
    fn an_overwritten_chunk_has_the_checksum_of_what_it_is() {
        // As zlib's crc32 gives them.
        for (zeros, sum) in [(0, 0x2488_a20b), (1, 0x45f4_bea7), (3, 0x8c46_e3ae), (1_000, 0xf78d_44d8)] {
            assert_eq!(sum_of_zeros(zeros), sum, "{zeros}");
        }
    }
}
