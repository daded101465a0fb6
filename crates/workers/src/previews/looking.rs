//! Looks at one page: asks for it, reads its head, asks for its oEmbed if there is more to know, and for its picture.

use std::{fmt, time::Duration};

use engine::{FoundPage, FoundPicture};
use outgoing::{Answer, Bounds, HeaderMap, Outgoing, Overlong, StatusCode, Url, header};

use super::{charset::decoded, oembed, page};

/// A page's head is in its first bytes.
const PAGE: Bounds = Bounds {
    whole: Duration::from_secs(8),
    ..Bounds::web(512 << 10, Overlong::Cut, &["text/html", "application/xhtml+xml"])
};
const OEMBED: Bounds = Bounds {
    whole: Duration::from_secs(4),
    ..Bounds::web(
        64 << 10,
        Overlong::Refused,
        &["application/json", "text/json", "application/json+oembed", "text/javascript"],
    )
};
/// Only what browsers show as a picture without running anything; its bytes are looked at besides, when it becomes a file.
const PICTURE: Bounds = Bounds {
    whole: Duration::from_secs(6),
    ..Bounds::web(2 << 20, Overlong::Refused, &["image/png", "image/jpeg", "image/gif", "image/webp"])
};
/// Pixels of a picture.
const PIXELS: u64 = 40_000_000;

/// Why there is no preview.
pub(super) enum Nothing {
    /// There was no answer.
    Outgoing(outgoing::Error),
    /// The answer was an error's.
    Status(StatusCode),
    /// Reading the page has failed.
    Unreadable,
    /// The page says nothing of itself.
    Untitled,
}

impl Nothing {
    /// For statistics.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Outgoing(outgoing::Error::Denied(..)) => "denied",
            Self::Outgoing(outgoing::Error::TooSlow) => "slow",
            Self::Outgoing(_) | Self::Unreadable => "failed",
            Self::Status(_) => "status",
            Self::Untitled => "untitled",
        }
    }
}

impl fmt::Display for Nothing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outgoing(error) => error.fmt(f),
            Self::Status(status) => write!(f, "the answer was {status}"),
            Self::Unreadable => f.write_str("the page cannot be read"),
            Self::Untitled => f.write_str("the page has no title"),
        }
    }
}

/// Reads the description of the page behind a link.
pub(super) async fn look_at(outgoing: &Outgoing, link: &str) -> Result<FoundPage, Nothing> {
    let answer = get(outgoing, link, "text/html,application/xhtml+xml;q=0.9", &PAGE).await?;
    let mut said = read(&answer).await?;
    if let Some(place) = said.oembed.take().filter(|_| is_wanting(&said)) {
        complete(outgoing, &mut said, &place).await;
    }
    if said.title.trim().is_empty() {
        return Err(Nothing::Untitled);
    }
    if said.site.trim().is_empty() {
        said.site = answer.url.host_str().unwrap_or_default().trim_start_matches("www.").to_owned();
    }
    let image = match &said.image {
        Some(place) => picture(outgoing, place).await,
        None => None,
    };
    Ok(FoundPage { site: said.site, title: said.title, description: said.description, image })
}

/// Reads a page, off the threads that serve people: half a megabyte takes a while.
async fn read(answer: &Answer) -> Result<page::Said, Nothing> {
    let content_type = answer.header(header::CONTENT_TYPE).unwrap_or_default().to_owned();
    let (body, place) = (answer.body.clone(), answer.url.clone());
    let reading = tokio::task::spawn_blocking(move || page::read(&decoded(&content_type, &body), &place));
    reading.await.map_err(|_| Nothing::Unreadable)
}

/// Whether an oEmbed may have what the page has not.
fn is_wanting(said: &page::Said) -> bool {
    said.title.trim().is_empty() || said.site.trim().is_empty() || said.image.is_none()
}

/// Adds what the page's oEmbed says. Without one the page says what it says.
async fn complete(outgoing: &Outgoing, said: &mut page::Said, place: &Url) {
    let Ok(answer) = get(outgoing, place.as_str(), "application/json", &OEMBED).await else { return };
    let Some(more) = oembed::read(&answer.body) else { return };
    let add = |to: &mut String, text: Option<String>| {
        if to.trim().is_empty() {
            *to = text.unwrap_or_default();
        }
    };
    add(&mut said.title, more.title);
    add(&mut said.site, more.provider_name);
    add(&mut said.description, more.author_name);
    said.image = said.image.take().or_else(|| answer.url.join(&more.thumbnail_url?).ok());
}

/// A page's picture. Without one that can be had the preview has none.
async fn picture(outgoing: &Outgoing, place: &Url) -> Option<FoundPicture> {
    let accepted = "image/webp,image/png,image/jpeg,image/gif";
    let answer = get(outgoing, place.as_str(), accepted, &PICTURE).await.ok()?;
    let (ending, width, height) = measured(&answer.body)?;
    let fits = u64::from(width) * u64::from(height) <= PIXELS && width > 0 && height > 0;
    fits.then(|| FoundPicture { name: format!("preview.{ending}"), bytes: answer.body.to_vec() })
}

async fn get(outgoing: &Outgoing, url: &str, accepted: &'static str, bounds: &Bounds) -> Result<Answer, Nothing> {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, header::HeaderValue::from_static(accepted));
    let answer = outgoing.get(url, headers, bounds).await.map_err(Nothing::Outgoing)?;
    if answer.status.is_success() { Ok(answer) } else { Err(Nothing::Status(answer.status)) }
}

/// How a picture's file name ends, and its width and height, by its first bytes: whatever its sender said of it, it is
/// one of these four or none.
fn measured(bytes: &[u8]) -> Option<(&'static str, u32, u32)> {
    let at = |from: usize, length: usize| bytes.get(from..from + length);
    let little = |from: usize, length: usize| {
        Some(at(from, length)?.iter().rev().fold(0_u32, |number, byte| (number << 8) | u32::from(*byte)))
    };
    let big = |from: usize, length: usize| {
        Some(at(from, length)?.iter().fold(0_u32, |number, byte| (number << 8) | u32::from(*byte)))
    };
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") && at(12, 4)? == b"IHDR" {
        return Some(("png", big(16, 4)?, big(20, 4)?));
    }
    if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
        return Some(("gif", little(6, 2)?, little(8, 2)?));
    }
    if bytes.starts_with(b"RIFF") && at(8, 4)? == b"WEBP" {
        return match at(12, 4)? {
            b"VP8X" => Some(("webp", little(24, 3)? + 1, little(27, 3)? + 1)),
            b"VP8 " => Some(("webp", little(26, 2)? & 0x3fff, little(28, 2)? & 0x3fff)),
            b"VP8L" => {
                let packed = little(21, 4)?;
                Some(("webp", (packed & 0x3fff) + 1, ((packed >> 14) & 0x3fff) + 1))
            }
            _ => None,
        };
    }
    bytes.starts_with(b"\xff\xd8\xff").then(|| jpeg(bytes)).flatten()
}

/// The size of a JPEG stands in its first frame header, behind segments of which each says how long it is.
fn jpeg(bytes: &[u8]) -> Option<(&'static str, u32, u32)> {
    let number = |from: usize| Some(u32::from(*bytes.get(from)?) << 8 | u32::from(*bytes.get(from + 1)?));
    let mut at = 2;
    loop {
        if *bytes.get(at)? != 0xff {
            return None;
        }
        match *bytes.get(at + 1)? {
            0xff => at += 1,
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                return Some(("jpg", number(at + 7)?, number(at + 5)?));
            }
            0x01 | 0xd0..=0xd8 => at += 2,
            // The picture begins without its size.
            0xd9 | 0xda => return None,
            _ => at += 2 + usize::try_from(number(at + 2)?.max(2)).ok()?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], &width.to_be_bytes(), &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat()
    }

    #[test]
    fn a_picture_is_measured_by_its_first_bytes() {
        assert_eq!(measured(&png(640, 480)), Some(("png", 640, 480)));
        assert_eq!(measured(b"GIF89a\x80\x02\xe0\x01\0\0"), Some(("gif", 640, 480)));
        let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xff\xc2\0\x11\x08\x01\xe0\x02\x80\x03";
        assert_eq!(measured(jpeg), Some(("jpg", 640, 480)));
        let webp = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x7f\x02\0\xdf\x01\0";
        assert_eq!(measured(webp), Some(("webp", 640, 480)));
        let lossless = [&b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f"[..], &((639_u32) | (479 << 14)).to_le_bytes()].concat();
        assert_eq!(measured(&lossless), Some(("webp", 640, 480)));
        for wrong in [
            &b""[..],
            b"<svg>",
            b"\x89PNG",
            b"GIF89a\x80",
            b"\xff\xd8\xff",
            b"\xff\xd8\xff\xda\0\x04",
            b"RIFF\0\0\0\0WEBP",
        ] {
            assert_eq!(measured(wrong), None, "{wrong:?}");
        }
        // Segments that lead nowhere come to an end.
        assert_eq!(measured(&[&b"\xff\xd8\xff\xe0\0\0"[..], &b"\xff\xe0\0\0".repeat(10_000)].concat()), None);
    }
}
