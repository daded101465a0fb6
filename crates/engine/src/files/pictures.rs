//! Pictures as they come by: how large they are, and without what they say beside the picture. Phones write into each
//! photo where it was taken, by which device and when; whoever shows a picture does not mean to tell that.
//!
//! Nothing is decoded. What is not of the picture is overwritten in place, so that a picture keeps its size and can be
//! stored while it comes; of a JPEG's Exif only how it is turned is kept. Formats: PNG 1.2, JPEG (ITU-T T.81, Exif 2.3),
//! WebP (RFC 9649), GIF 89a, AVIF and HEIC (ISO/IEC 23008-12).

mod gif;
mod heif;
mod jpeg;
mod png;
mod webp;

/// More pixels than this are not told: clients then show no picture, which could be as large as a city and as small as a
/// kilobyte.
pub(super) const MOST_PIXELS: i64 = 40_000_000;

/// A picture that comes by.
pub(super) struct Picture {
    format: Format,
    /// Bytes that are next and of no interest.
    skip: u64,
    /// Bytes that are next, after those, and are overwritten by zeros.
    blank: u64,
    /// The next bytes are not understood: the rest stays as it is.
    is_lost: bool,
    size: Option<(i64, i64)>,
    /// Whether it is shown on its side.
    is_turned: bool,
}

enum Format {
    Png(png::Png),
    Jpeg(jpeg::Jpeg),
    Webp(webp::Webp),
    Gif(gif::Gif),
    Heif(heif::Heif),
}

/// A format's decision about the next bytes.
enum Next {
    /// So many were looked at; then so many are skipped, and so many overwritten.
    Part { seen: usize, skip: u64, blank: u64 },
    /// More of them are needed at once.
    More,
    /// They are not understood.
    Lost,
}

impl Picture {
    /// A picture of this media type, if it is one that is known here.
    pub(super) fn of(media_type: &str) -> Option<Self> {
        let format = match media_type {
            "image/png" => Format::Png(png::Png::default()),
            "image/jpeg" => Format::Jpeg(jpeg::Jpeg::default()),
            "image/webp" => Format::Webp(webp::Webp::default()),
            "image/gif" => Format::Gif(gif::Gif::default()),
            "image/avif" | "image/heif" => Format::Heif(heif::Heif::default()),
            _ => return None,
        };
        Some(Self { format, skip: 0, blank: 0, is_lost: false, size: None, is_turned: false })
    }

    /// Its width and height as it is shown, once they came by; nothing if it is too large to be shown.
    pub(super) fn pixels(&self) -> Option<(i64, i64)> {
        let (width, height) = self.size?;
        let is_fit = width > 0 && height > 0 && width.saturating_mul(height) <= MOST_PIXELS;
        is_fit.then_some(if self.is_turned { (height, width) } else { (width, height) })
    }

    /// Takes the bytes that are next. Returns how many of them are done: the rest must come again, with more behind it,
    /// unless this is the end.
    pub(super) fn pass(&mut self, bytes: &mut [u8], is_end: bool) -> usize {
        let mut done = 0;
        while done < bytes.len() {
            let rest = &mut bytes[done..];
            if self.is_lost {
                return done + rest.len();
            }
            let skipped = at_most(self.skip, rest.len());
            let blanked = at_most(self.blank, rest.len() - skipped);
            if skipped + blanked > 0 {
                self.skip -= skipped as u64;
                // All bytes that are overwritten come after those that are skipped.
                if self.skip == 0 {
                    rest[skipped..skipped + blanked].fill(0);
                    self.blank -= blanked as u64;
                    done += skipped + blanked;
                } else {
                    done += skipped;
                }
                continue;
            }
            let next = match &mut self.format {
                Format::Png(png) => png.next(rest, &mut self.size),
                Format::Jpeg(jpeg) => jpeg.next(rest, &mut self.size, &mut self.is_turned),
                Format::Webp(webp) => webp.next(rest, &mut self.size),
                Format::Gif(gif) => gif.next(rest, &mut self.size),
                Format::Heif(heif) => heif.next(rest, &mut self.size, &mut self.is_turned),
            };
            match next {
                Next::Part { seen, skip, blank } => {
                    (self.skip, self.blank) = (skip, blank);
                    done += seen.min(rest.len());
                }
                Next::Lost => self.is_lost = true,
                Next::More if is_end => self.is_lost = true,
                Next::More => return done,
            }
        }
        done
    }
}

fn at_most(count: u64, most: usize) -> usize {
    usize::try_from(count).unwrap_or(most).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Passes a picture in pieces, as an upload does: what is not done comes again with what follows.
    pub(super) fn passed(media_type: &str, bytes: &[u8], piece: usize) -> (Vec<u8>, Option<(i64, i64)>) {
        let mut picture = Picture::of(media_type).unwrap();
        let (mut out, mut held) = (Vec::new(), Vec::new());
        for part in bytes.chunks(piece) {
            held.extend_from_slice(part);
            let done = picture.pass(&mut held, false);
            out.extend(held.drain(..done));
        }
        let done = picture.pass(&mut held, true);
        assert_eq!(done, held.len());
        out.append(&mut held);
        (out, picture.pixels())
    }

    /// The same in whatever pieces it comes.
    pub(super) fn passes(media_type: &str, bytes: &[u8]) -> (Vec<u8>, Option<(i64, i64)>) {
        let whole = passed(media_type, bytes, bytes.len().max(1));
        for piece in [1, 2, 3, 7, 64] {
            assert_eq!(passed(media_type, bytes, piece), whole, "in pieces of {piece}");
        }
        assert_eq!(whole.0.len(), bytes.len());
        whole
    }

    #[test]
    fn what_is_too_large_to_be_shown_has_no_size() {
        let gif = |width: u16, height: u16| {
            let mut bytes = b"GIF89a".to_vec();
            bytes.extend(width.to_le_bytes());
            bytes.extend(height.to_le_bytes());
            bytes.extend([0; 3]);
            passes("image/gif", &bytes).1
        };
        assert_eq!(gif(8_000, 5_000), Some((8_000, 5_000)));
        assert_eq!((gif(8_000, 5_001), gif(50_000, 50_000), gif(0, 7)), (None, None, None));
    }

    #[test]
    fn whatever_comes_keeps_its_length() {
        let mut seed = 7_u64;
        for kind in ["image/png", "image/jpeg", "image/webp", "image/gif", "image/avif"] {
            for start in
                [&b"\x89PNG\r\n\x1a\n"[..], b"\xff\xd8\xff\xe1", b"RIFF\xff\xff\xff\xffWEBPVP8X\x0a\0\0\0", b""]
            {
                let mut bytes = start.to_vec();
                for _ in 0..300 {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    bytes.push((seed >> 56) as u8);
                    passes(kind, &bytes[..bytes.len().min(400)]);
                }
            }
        }
    }
}
