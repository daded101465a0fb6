//! AVIF and HEIC (ISO/IEC 23008-12): boxes, of which one says where each item of the file is. Items that are Exif or XMP
//! are overwritten where they are. That box stands before what it tells of, as all known cameras and encoders write it;
//! behind it, it would come too late, and the file stays as it is.

use super::Next;

/// Bytes of the box that tells where everything is: it is looked at as a whole.
const MOST: usize = 1 << 20;

#[derive(Default)]
pub(super) struct Heif {
    /// Where in the file the next byte stands.
    at: u64,
    /// The places that are still to be overwritten: from where on, and how many bytes.
    aside: Option<Vec<(u64, u64)>>,
}

impl Heif {
    pub(super) fn next(&mut self, bytes: &mut [u8], size: &mut Option<(i64, i64)>, is_turned: &mut bool) -> Next {
        if let Some(aside) = &mut self.aside {
            let Some((from, length)) = aside.pop() else { return Next::Lost };
            let skip = from - self.at;
            self.at = from + length;
            return Next::Part { seen: 0, skip, blank: length };
        }
        let Some(head) = Head::of(bytes) else { return Next::More };
        match &head.kind {
            b"meta" => {
                let Ok(length) = usize::try_from(head.size) else { return Next::Lost };
                if length > MOST {
                    return Next::Lost;
                }
                let Some(whole) = bytes.get_mut(..length) else { return Next::More };
                let Some(meta) = Meta::read(whole, head.header, self.at) else { return Next::Lost };
                self.at += head.size;
                for (from, to) in meta.inside {
                    if let Some(part) = whole.get_mut(from..to) {
                        part.fill(0);
                    }
                }
                *size = meta.size;
                *is_turned = meta.is_turned;
                self.aside = Some(behind(self.at, meta.aside));
                Next::Part { seen: length, skip: 0, blank: 0 }
            }
            // Its first sixteen bytes name what it is; XMP may stand in one.
            b"uuid" => self.part(&head, 16),
            _ => {
                self.at = self.at.saturating_add(head.size);
                Next::Part { seen: head.header, skip: head.size - head.header as u64, blank: 0 }
            }
        }
    }

    /// Overwrites a box but for its head and so many bytes.
    fn part(&mut self, head: &Head, kept: u64) -> Next {
        self.at = self.at.saturating_add(head.size);
        let data = head.size - head.header as u64;
        let skip = kept.min(data);
        Next::Part { seen: head.header, skip, blank: data - skip }
    }
}

/// The places behind this one, the nearest last; what overlaps is joined.
fn behind(at: u64, mut places: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    places.sort_unstable();
    let mut joined: Vec<(u64, u64)> = Vec::new();
    let mut end = at;
    for (from, length) in places {
        let to = from.saturating_add(length);
        let from = from.max(end);
        if from < to {
            joined.push((from, to - from));
            end = to;
        }
    }
    joined.reverse();
    joined
}

/// The head of a box.
struct Head {
    kind: [u8; 4],
    /// Bytes of the head, and of the whole box.
    header: usize,
    size: u64,
}

impl Head {
    fn of(bytes: &[u8]) -> Option<Self> {
        let mut from = Reader(bytes);
        let (size, kind) = (from.number(4)?, from.take(4)?.try_into().ok()?);
        match size {
            // To the end of the file.
            0 => Some(Self { kind, header: 8, size: u64::MAX }),
            1 => Some(Self { kind, header: 16, size: from.number(8)?.max(16) }),
            size => Some(Self { kind, header: 8, size: size.max(8) }),
        }
    }
}

/// The contents of the box that tells where everything is.
#[derive(Default)]
struct Meta {
    size: Option<(i64, i64)>,
    is_turned: bool,
    /// The metadata in the file: from where on, and how many bytes.
    aside: Vec<(u64, u64)>,
    /// The same within the box itself: from where to where.
    inside: Vec<(usize, usize)>,
}

impl Meta {
    /// Reads a whole box, which stands there in the file.
    fn read(whole: &[u8], header: usize, at: u64) -> Option<Self> {
        let (mut meta, mut items, mut located, mut data) = (Self::default(), Vec::new(), Vec::new(), None);
        each(whole, header + 4, &mut |kind, place| match kind {
            b"iinf" => items = asides(whole, place.clone()).unwrap_or_default(),
            b"iloc" => located = locations(whole.get(place.clone()).unwrap_or_default()).unwrap_or_default(),
            b"idat" => data = Some(place.start),
            b"iprp" => each(whole, place.start, &mut |kind, place| {
                if kind == b"ipco" {
                    meta.properties(whole, place.start, place.end);
                }
            }),
            _ => {}
        });
        for Location { item, is_inside, from, length } in located {
            if !items.contains(&item) {
                continue;
            }
            if is_inside {
                let from = data?.checked_add(usize::try_from(from).ok()?)?;
                meta.inside.push((from, from.checked_add(usize::try_from(length).ok()?)?));
            } else if from < at.saturating_add(whole.len() as u64) {
                let from = usize::try_from(from.checked_sub(at)?).ok()?;
                meta.inside.push((from, from.saturating_add(usize::try_from(length).ok()?).min(whole.len())));
            } else {
                meta.aside.push((from, length));
            }
        }
        Some(meta)
    }

    /// The size of the largest picture in the file, which is the one that is shown, and whether it is turned.
    fn properties(&mut self, whole: &[u8], from: usize, to: usize) {
        each(whole.get(..to).unwrap_or_default(), from, &mut |kind, place| {
            let mut data = Reader(whole.get(place).unwrap_or_default());
            if kind == b"ispe" {
                let read = |data: &mut Reader<'_>| {
                    data.take(4)?;
                    Some((i64::try_from(data.number(4)?).ok()?, i64::try_from(data.number(4)?).ok()?))
                };
                let found = read(&mut data).filter(|(width, height)| {
                    self.size.is_none_or(|(wide, high)| width.saturating_mul(*height) > wide.saturating_mul(high))
                });
                self.size = found.or(self.size);
            } else if kind == b"irot" {
                self.is_turned |= data.number(1).is_some_and(|quarters| quarters % 2 == 1);
            }
        });
    }
}

/// Calls with each box from here on: its kind, and where its data stand.
fn each(whole: &[u8], mut from: usize, found: &mut dyn FnMut(&[u8; 4], std::ops::Range<usize>)) {
    while let Some(head) = whole.get(from..).and_then(Head::of) {
        let Some(to) = usize::try_from(head.size).ok().and_then(|size| from.checked_add(size)) else { return };
        if to > whole.len() {
            return;
        }
        found(&head.kind, from + head.header..to);
        from = to;
    }
}

/// The items that are Exif or XMP.
fn asides(whole: &[u8], place: std::ops::Range<usize>) -> Option<Vec<u64>> {
    let mut data = Reader(whole.get(place.clone())?);
    let version = data.number(4)? >> 24;
    let count = if version == 0 { 2 } else { 4 };
    data.number(count)?;
    let mut found = Vec::new();
    each(whole.get(..place.end)?, place.start + 4 + count, &mut |kind, place| {
        let read = || {
            let mut data = Reader(whole.get(place)?);
            let version = data.number(4)? >> 24;
            let item = data.number(if version < 3 { 2 } else { 4 })?;
            data.number(2)?;
            let kind = data.take(4)?;
            // A MIME type may be anything; those of pictures have kinds of their own.
            (kind == b"Exif" || kind == b"mime").then_some(item)
        };
        if kind == b"infe" {
            found.extend(read());
        }
    });
    Some(found)
}

/// A part of an item.
struct Location {
    item: u64,
    /// Whether it is in the box of data that stands among these, not elsewhere in the file.
    is_inside: bool,
    from: u64,
    length: u64,
}

fn locations(bytes: &[u8]) -> Option<Vec<Location>> {
    let mut data = Reader(bytes);
    let version = data.number(4)? >> 24;
    let sizes = data.number(2)?;
    let size = |place: u32| usize::try_from(sizes >> place & 15).unwrap_or(0);
    let (offset, length, base, index) = (size(12), size(8), size(4), if version == 0 { 0 } else { size(0) });
    let wide = if version < 2 { 2 } else { 4 };
    let mut found = Vec::new();
    for _ in 0..data.number(wide)? {
        let item = data.number(wide)?;
        let method = if version == 0 { 0 } else { data.number(2)? & 15 };
        data.number(2)?;
        let base = data.number(base)?;
        for _ in 0..data.number(2)? {
            data.number(index)?;
            let (from, length) = (base.checked_add(data.number(offset)?)?, data.number(length)?);
            if method < 2 {
                found.push(Location { item, is_inside: method == 1, from, length });
            }
        }
    }
    Some(found)
}

/// Reads numbers from the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// A number of so many bytes; 0 of none.
    fn number(&mut self, bytes: usize) -> Option<u64> {
        Some(self.take(bytes)?.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::passes;

    fn boxed(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
        [&u32::try_from(data.len() + 8).unwrap().to_be_bytes()[..], kind, data].concat()
    }

    /// A picture of 640 × 480 that lies on its side, with Exif behind it and XMP within the box that tells of it.
    fn avif() -> Vec<u8> {
        let item = |id: u8, kind: &[u8; 4]| boxed(b"infe", &[&[2, 0, 0, 0, 0, id, 0, 0][..], kind, b"\0"].concat());
        let items = boxed(
            b"iinf",
            &[&[0, 0, 0, 0, 0, 3][..], &item(1, b"av01"), &item(2, b"Exif"), &item(3, b"mime")].concat(),
        );
        let sizes = |width: u32, height: u32| {
            boxed(b"ispe", &[&[0; 4][..], &width.to_be_bytes(), &height.to_be_bytes()].concat())
        };
        let properties = [sizes(160, 120), sizes(640, 480), boxed(b"irot", &[1])].concat();
        let properties = boxed(b"iprp", &boxed(b"ipco", &properties));
        let meta = |place: u32| {
            let entry = |id: u8, method: u8, from: u32, length: u32| {
                [&[0, id, 0, method, 0, 0, 0, 1][..], &from.to_be_bytes(), &length.to_be_bytes()].concat()
            };
            let locations = [
                &[1, 0, 0, 0, 0x44, 0, 0, 3][..],
                &entry(1, 0, place, 12),
                &entry(2, 0, place + 12, 16),
                &entry(3, 1, 0, 12),
            ]
            .concat();
            let data = boxed(b"idat", b"<x:gps 52.5>");
            boxed(b"meta", &[&[0; 4][..], &items, &boxed(b"iloc", &locations), &properties, &data].concat())
        };
        let kind = boxed(b"ftyp", b"avif\0\0\0\0avifmif1");
        let place = kind.len() + meta(0).len() + 8;
        let picture = boxed(b"mdat", b"the picture.52.5200N, 13.40Ewhat follows");
        [kind, meta(u32::try_from(place).unwrap()), picture, boxed(b"uuid", b"sixteen bytes...52.5200")].concat()
    }

    #[test]
    fn an_avif_says_its_size_and_nothing_beside_the_picture() {
        let (passed, size) = passes("image/avif", &avif());
        assert_eq!(size, Some((480, 640)));
        let told = |words: &[u8]| passed.windows(words.len()).any(|window| window == words);
        for aside in [&b"52.5200N"[..], b"13.40", b"gps"] {
            assert!(!told(aside), "{}", String::from_utf8_lossy(aside));
        }
        assert!(told(b"the picture.") && told(b"what follows") && told(b"Exif"));
    }

    #[test]
    fn what_lies_about_its_places_keeps_its_length() {
        let whole = avif();
        for at in 0..whole.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut broken = whole.clone();
                broken[at] = value;
                let (passed, _) = super::super::tests::passed("image/avif", &broken, 64);
                assert_eq!(passed.len(), whole.len());
            }
        }
    }
}
