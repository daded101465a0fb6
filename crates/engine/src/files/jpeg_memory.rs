//! How much memory the decoder of JPEG needs for a picture, by its header.
//!
//! A picture whose colours come together, in one scan, is decoded a row of blocks at a time. Of one that comes in several
//! scans (progressive, or a scan for each colour) the decoder holds the coefficients of the whole until the last scan.

/// Bytes of a coefficient.
const COEFFICIENT: u64 = 2;

/// A colour's share of the blocks.
struct Component {
    horizontal: u64,
    vertical: u64,
}

/// The header of the first frame.
struct Frame {
    width: u64,
    height: u64,
    is_progressive: bool,
    components: Vec<Component>,
}

/// Bytes that the decoder holds beside the pixels: the picture as it came, and the coefficients if it needs them all.
/// Nothing if no frame or no scan is found, or a second frame. Whatever stands before the scan has a length, markers that
/// have none elsewhere too: the decoder reads it so.
pub(super) fn beside_pixels(bytes: &[u8]) -> Option<u64> {
    let mut frame: Option<Frame> = None;
    let mut rest = bytes.get(2..)?;
    loop {
        let kind = loop {
            match rest {
                // Padding before a marker.
                [0xff, 0xff, ..] => rest = &rest[1..],
                [0xff, kind, ..] => break *kind,
                _ => return None,
            }
        };
        let length = usize::from(u16::from_be_bytes([*rest.get(2)?, *rest.get(3)?]));
        let segment = rest.get(4..2 + length.max(2))?;
        match kind {
            // The frames, but for the tables among their numbers.
            0xc0..=0xcf if !matches!(kind, 0xc4 | 0xc8 | 0xcc) => {
                frame = match frame {
                    None => Some(read_frame(kind, segment)?),
                    Some(_) => return None,
                }
            }
            0xda => {
                let frame = frame?;
                let in_scan = usize::from(*segment.first()?);
                let needs_all = frame.is_progressive || in_scan < frame.components.len();
                let coefficients = if needs_all { frame.coefficients() * COEFFICIENT } else { 0 };
                return Some(coefficients + bytes.len() as u64);
            }
            _ => {}
        }
        rest = &rest[2 + length.max(2)..];
    }
}

fn read_frame(kind: u8, segment: &[u8]) -> Option<Frame> {
    let number = |at: usize| Some(u64::from(u16::from_be_bytes([*segment.get(at)?, *segment.get(at + 1)?])));
    let components = segment.get(6..)?.chunks_exact(3).take(usize::from(*segment.get(5)?));
    Some(Frame {
        height: number(1)?,
        width: number(3)?,
        is_progressive: matches!(kind, 0xc2 | 0xc6 | 0xca | 0xce),
        components: components
            .map(|one| Component { horizontal: u64::from(one[1] >> 4), vertical: u64::from(one[1] & 15) })
            .collect(),
    })
}

impl Frame {
    /// Coefficients of the whole: one for each pixel of a colour, in whole blocks.
    fn coefficients(&self) -> u64 {
        let most = |of: fn(&Component) -> u64| self.components.iter().map(of).max().unwrap_or(1).max(1);
        let across = self.width.div_ceil(8 * most(|one| one.horizontal));
        let down = self.height.div_ceil(8 * most(|one| one.vertical));
        let blocks: u64 = self.components.iter().map(|one| one.horizontal * one.vertical).sum();
        across * down * blocks * 64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(kind: u8, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
        [&[0xff, kind][..], &length, data].concat()
    }

    /// The header of a picture of three colours, the first with these shares of blocks, and so many in the first scan.
    fn header(frame: u8, (width, height): (u16, u16), shares: u8, in_scan: u8) -> Vec<u8> {
        let [a, b, c, d]: [u8; 4] = [height.to_be_bytes(), width.to_be_bytes()].concat().try_into().unwrap();
        let frame = segment(frame, &[8, a, b, c, d, 3, 1, shares, 0, 2, 0x11, 1, 3, 0x11, 1]);
        let scan = segment(0xda, &[&[in_scan][..], &[0; 9]].concat());
        [&[0xff, 0xd8][..], &segment(0xe0, b"JFIF\0"), &[0xff], &segment(0xdb, &[0; 65]), &frame, &scan].concat()
    }

    fn needs(frame: u8, shares: u8, in_scan: u8) -> u64 {
        let header = header(frame, (8_000, 5_000), shares, in_scan);
        beside_pixels(&header).unwrap() - header.len() as u64
    }

    #[test]
    fn only_what_comes_in_several_scans_is_held_as_a_whole() {
        assert_eq!(needs(0xc0, 0x22, 3), 0);
        assert_eq!(needs(0xc1, 0x11, 3), 0);
        // Of colours that are a fourth as fine there is half as much again as of brightness.
        assert_eq!(needs(0xc2, 0x22, 3), 8_000 * 5_008 * 3 / 2 * 2);
        assert_eq!(needs(0xc2, 0x11, 3), 8_000 * 5_000 * 3 * 2);
        assert_eq!(needs(0xc0, 0x11, 1), 8_000 * 5_000 * 3 * 2);
    }

    #[test]
    fn a_small_frame_hides_no_large_one() {
        let (small, large) = (header(0xc0, (10, 10), 0x22, 3), header(0xc2, (8_000, 5_000), 0x11, 3));
        // For the decoder a restart marker before the scan has a length: it goes on behind the small picture.
        let length = u16::try_from(small.len()).unwrap().to_be_bytes();
        let hidden = [&[0xff, 0xd8, 0xff, 0xd0][..], &length, &small[2..], &large[2..]].concat();
        let expected = 8_000 * 5_000 * 3 * 2 + hidden.len() as u64;
        assert_eq!(beside_pixels(&hidden), Some(expected));
        let frame = segment(0xc0, &[8, 0, 10, 0, 10, 1, 1, 0x11, 0]);
        assert_eq!(beside_pixels(&[&[0xff, 0xd8][..], &frame, &frame, &segment(0xda, &[1, 0, 0])].concat()), None);
    }

    #[test]
    fn of_what_has_no_frame_or_no_scan_nothing_is_known() {
        let whole = header(0xc0, (10, 10), 0x22, 3);
        for length in 0..whole.len() - 10 {
            assert_eq!(beside_pixels(&whole[..length]), None, "{length}");
        }
        assert_eq!(beside_pixels(&[&[0xff, 0xd8][..], &segment(0xda, &[3, 0, 0])].concat()), None);
        assert_eq!(beside_pixels(b"\xff\xd8\xff\xc0\0\x02\xff\xda\0\x02"), None);
    }
}
