//! JPEG: segments behind markers, and between them the picture itself.

use super::Next;

/// The beginning of an Exif of ours: its name, and a directory with one entry, how the picture is turned.
const EXIF: &[u8; 6] = b"Exif\0\0";
const TURNED: [u8; 26] = [
    b'I', b'I', b'*', 0, 8, 0, 0, 0, // little-endian, the first directory at 8
    1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 0, 0, 0, 0, // one entry: tag 0x0112, one short
    0, 0, 0, 0, // no further directory
];
/// Where the value stands in it.
const VALUE: usize = 18;
const ORIENTATION: u16 = 0x0112;

#[derive(Default)]
pub(super) struct Jpeg {
    /// Inside the picture itself, which ends at the next marker.
    is_scan: bool,
    /// An Exif was seen: others do not count.
    has_exif: bool,
    is_over: bool,
}

impl Jpeg {
    pub(super) fn next(&mut self, bytes: &mut [u8], size: &mut Option<(i64, i64)>, is_turned: &mut bool) -> Next {
        let part = |seen: usize| Next::Part { seen, skip: 0, blank: 0 };
        if self.is_over {
            // Phones put films and maps behind the picture.
            return Next::Part { seen: 0, skip: 0, blank: bytes.len() as u64 };
        }
        if self.is_scan {
            let Some(at) = bytes.iter().position(|byte| *byte == 0xff) else { return part(bytes.len()) };
            let Some(after) = bytes.get(at + 1) else { return if at == 0 { Next::More } else { part(at) } };
            // A byte 0xff of the picture, or a restart.
            if matches!(after, 0 | 0xd0..=0xd7) {
                return part(at + 2);
            }
            self.is_scan = false;
            if at > 0 {
                return part(at);
            }
        }
        self.marker(bytes, size, is_turned)
    }

    fn marker(&mut self, bytes: &mut [u8], size: &mut Option<(i64, i64)>, is_turned: &mut bool) -> Next {
        let Some([mark, kind]) = bytes.get(..2).and_then(|two| <[u8; 2]>::try_from(two).ok()) else {
            return Next::More;
        };
        if mark != 0xff {
            return Next::Lost;
        }
        match kind {
            0xff => return Next::Part { seen: 1, skip: 0, blank: 0 },
            0x01 | 0xd0..=0xd8 => return Next::Part { seen: 2, skip: 0, blank: 0 },
            0xd9 => {
                self.is_over = true;
                return Next::Part { seen: 2, skip: 0, blank: 0 };
            }
            _ => {}
        }
        let Some(length) = bytes.get(2..4).map(|two| usize::from(u16::from_be_bytes([two[0], two[1]]))) else {
            return Next::More;
        };
        let Some(segment) = bytes.get_mut(4..2 + length.max(2)) else { return Next::More };
        match kind {
            // The frames, but for the tables among their numbers.
            0xc0..=0xcf if !matches!(kind, 0xc4 | 0xc8 | 0xcc) && segment.len() >= 5 => {
                let number = |at: usize| i64::from(u16::from_be_bytes([segment[at], segment[at + 1]]));
                *size = Some((number(3), number(1)));
            }
            0xe1 if !self.has_exif && segment.starts_with(EXIF) => {
                self.has_exif = true;
                let orientation = orientation(&segment[EXIF.len()..]);
                *is_turned = matches!(orientation, Some(5..=8));
                segment.fill(0);
                keep(segment, orientation);
            }
            // Of what applications write only colours are the picture's: JFIF, the profile, and Adobe's transform.
            0xe0 | 0xee => {}
            0xe2 if segment.starts_with(b"ICC_PROFILE\0") => {}
            0xe1..=0xef | 0xfe => segment.fill(0),
            0xda => self.is_scan = true,
            _ => {}
        }
        Next::Part { seen: 2 + length.max(2), skip: 0, blank: 0 }
    }
}

/// Writes an Exif that says how the picture is turned, if it is.
fn keep(segment: &mut [u8], orientation: Option<u16>) {
    let Some(value) = orientation.and_then(|value| u8::try_from(value).ok()).filter(|value| (2..=8).contains(value))
    else {
        return;
    };
    if let Some(place) = segment.get_mut(..EXIF.len() + TURNED.len()) {
        place[..EXIF.len()].copy_from_slice(EXIF);
        place[EXIF.len()..].copy_from_slice(&TURNED);
        place[EXIF.len() + VALUE] = value;
    }
}

/// How the picture is turned, as the first directory of an Exif says.
fn orientation(tiff: &[u8]) -> Option<u16> {
    let is_little = match tiff.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let two = <[u8; 2]>::try_from(tiff.get(at..at.checked_add(2)?)?).ok()?;
        Some(if is_little { u16::from_le_bytes(two) } else { u16::from_be_bytes(two) })
    };
    let long = |at: usize| {
        let (first, second) = (u32::from(short(at)?), u32::from(short(at + 2)?));
        usize::try_from(if is_little { second << 16 | first } else { first << 16 | second }).ok()
    };
    let directory = long(4)?;
    let count = usize::from(short(directory)?);
    let entry = (0..count).map(|nth| directory + 2 + 12 * nth).find(|at| short(*at) == Some(ORIENTATION))?;
    short(entry + 8)
}

#[cfg(test)]
mod tests {
    use super::{super::tests::passes, *};

    fn segment(kind: u8, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
        [&[0xff, kind][..], &length, data].concat()
    }

    /// An Exif with where the picture was taken, and how it is turned.
    fn exif(is_little: bool, turned: u16) -> Vec<u8> {
        let short = |value: u16| if is_little { value.to_le_bytes() } else { value.to_be_bytes() };
        let long = |value: u32| if is_little { value.to_le_bytes() } else { value.to_be_bytes() };
        let entry = |tag: u16, value: u16| [&short(tag)[..], &short(3), &long(1), &short(value), &[0, 0]].concat();
        let head = if is_little { b"II*\0" } else { b"MM\0*" };
        let entries = [entry(0x010f, 7), entry(ORIENTATION, turned)].concat();
        [&EXIF[..], head, &long(8), &short(2), &entries, &long(0), b"52.5200 N 13.4050 E"].concat()
    }

    fn jpeg(exif: &[u8]) -> Vec<u8> {
        let frame = segment(0xc2, b"\x08\x01\xe0\x02\x80\x03 and the components");
        let scan = segment(0xda, b"\x01\x01\0\0\x3f\0");
        [
            &[0xff, 0xd8][..],
            &segment(0xe0, b"JFIF\0 kept"),
            &segment(0xe1, exif),
            &segment(0xe1, b"http://ns.adobe.com/xap/1.0/\0<x:gps/>"),
            &segment(0xe2, b"ICC_PROFILE\0 kept"),
            &segment(0xe2, b"MPF\0 another picture"),
            &segment(0xed, b"Photoshop 3.0\0 by Ann"),
            &segment(0xfe, b"a comment"),
            &frame,
            &scan,
            b"\x12\xff\0\x34\xff\xd3\x56 kept",
            &segment(0xc4, b"a table between scans"),
            &scan,
            b"more of it\xff\0\xff\xd9",
            b"\0\0\0\x18ftypmp42 a film with a place",
        ]
        .concat()
    }

    #[test]
    fn a_jpeg_says_its_size_and_how_it_is_turned_and_nothing_else() {
        for (is_little, turned, size) in
            [(true, 6, (480, 640)), (false, 8, (480, 640)), (true, 3, (640, 480)), (false, 1, (640, 480))]
        {
            let (passed, found) = passes("image/jpeg", &jpeg(&exif(is_little, turned)));
            assert_eq!(found, Some(size), "{turned}");
            let told = |words: &[u8]| passed.windows(words.len()).any(|window| window == words);
            for secret in [&b"52.5200"[..], b"gps", b"another picture", b"Ann", b"a comment", b"a film"] {
                assert!(!told(secret), "{}", String::from_utf8_lossy(secret));
            }
            for kept in [
                &b"JFIF\0 kept"[..],
                b"ICC_PROFILE\0 kept",
                b"\x12\xff\0\x34\xff\xd3\x56 kept",
                b"a table",
                b"more of it",
            ] {
                assert!(told(kept), "{}", String::from_utf8_lossy(kept));
            }
            // The Exif that is left says the same.
            let at = passed.windows(6).position(|window| window == EXIF);
            assert_eq!(at.is_some(), turned != 1);
            assert_eq!(at.and_then(|at| orientation(&passed[at + 6..])), Some(turned).filter(|turned| *turned != 1));
        }
    }

    #[test]
    fn an_exif_that_cannot_be_read_is_gone_all_the_same() {
        for odd in
            [&b"Exif\0\0"[..], b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff", b"Exif\0\0XX"]
        {
            let (passed, size) = passes("image/jpeg", &jpeg(odd));
            assert_eq!(size, Some((640, 480)));
            assert!(!passed.windows(4).any(|window| window == b"Exif"));
        }
    }
}
