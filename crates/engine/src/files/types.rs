//! The type of a file, by its first bytes. The type that its sender or its name gives does not count.

use chat::files::FileClass;
use infer::MatcherType;

/// Text of any kind, which browsers must not take for anything else.
const TEXT: &str = "text/plain; charset=utf-8";
const UNKNOWN: &str = "application/octet-stream";
/// The byte order marks of UTF-16.
const WIDE: [[u8; 2]; 2] = [[0xff, 0xfe], [0xfe, 0xff]];

/// The class and the media type of a file that begins with these bytes.
pub(super) fn of(head: &[u8]) -> (FileClass, &'static str) {
    let Some(known) = infer::get(head) else { return by_characters(head) };
    let media_type = known.mime_type();
    match known.matcher_type() {
        _ if media_type == "application/pdf" => (FileClass::Pdf, media_type),
        MatcherType::Image => (FileClass::Image, media_type),
        MatcherType::Audio => (FileClass::Audio, media_type),
        MatcherType::Video => (FileClass::Video, media_type),
        MatcherType::Doc | MatcherType::Book => (FileClass::Office, media_type),
        MatcherType::Archive if media_type.starts_with("application/vnd.oasis") => (FileClass::Office, media_type),
        MatcherType::Archive => (FileClass::Archive, media_type),
        MatcherType::Font => (FileClass::Font, media_type),
        // HTML, SVG, scripts.
        MatcherType::Text => by_characters(head),
        // Programs.
        MatcherType::App | MatcherType::Custom => (FileClass::Other, UNKNOWN),
    }
}

fn by_characters(head: &[u8]) -> (FileClass, &'static str) {
    if WIDE.iter().any(|mark| head.starts_with(mark)) {
        return (FileClass::Text, "text/plain; charset=utf-16");
    }
    if is_text(head) { (FileClass::Text, TEXT) } else { (FileClass::Other, UNKNOWN) }
}

/// Whether bytes are text in UTF-8, perhaps cut off in its last character.
fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    text.chars().all(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r' | '\u{c}' | '\u{1b}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_bytes_are() {
        let files: &[(&[u8], FileClass, &str)] = &[
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", FileClass::Image, "image/png"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", FileClass::Image, "image/jpeg"),
            (b"GIF89a\x01\0\x01\0", FileClass::Image, "image/gif"),
            (b"RIFF\x24\0\0\0WEBPVP8 ", FileClass::Image, "image/webp"),
            (b"%PDF-1.7\n", FileClass::Pdf, "application/pdf"),
            (b"PK\x03\x04\x14\0\0\0\x08\0", FileClass::Archive, "application/zip"),
            (b"\x1f\x8b\x08\0\0\0\0\0", FileClass::Archive, "application/gzip"),
            (b"ID3\x03\0\0\0\0\0", FileClass::Audio, "audio/mpeg"),
            (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm", FileClass::Video, "video/webm"),
            ("Grüße, 世界\n".as_bytes(), FileClass::Text, TEXT),
            (b"\xff\xfea\0b\0", FileClass::Text, "text/plain; charset=utf-16"),
            // A file that could run in a browser or on a machine is text, or of no known type.
            (b"<!DOCTYPE html><script>alert(1)</script>", FileClass::Text, TEXT),
            (b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>", FileClass::Text, TEXT),
            (b"<?xml version=\"1.0\"?><svg/>", FileClass::Text, TEXT),
            (b"#!/bin/sh\necho\n", FileClass::Text, TEXT),
            (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", FileClass::Other, UNKNOWN),
            (b"MZ\x90\0\x03\0\0\0", FileClass::Other, UNKNOWN),
            (b"\0\x01\x02\x03", FileClass::Other, UNKNOWN),
        ];
        for (head, class, media_type) in files {
            assert_eq!(of(head), (*class, *media_type), "{:?}", String::from_utf8_lossy(head));
        }
    }

    #[test]
    fn text_may_be_cut_in_the_middle_of_a_character_and_has_no_control_characters() {
        let text = "世界".as_bytes();
        assert!(is_text(&text[..5]) && is_text(text) && is_text(b""));
        assert!(!is_text(b"a\0b") && !is_text(b"a\xffb") && !is_text(&text[1..]));
    }
}
