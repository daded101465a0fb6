//! In which characters a page is written: as its header says, its first bytes, or its `<meta>`; else in UTF-8.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// So far into a page browsers look for its `<meta>`.
const LOOKED_THROUGH: usize = 1_024;

/// A page as text. What cannot be read is replaced.
pub(super) fn decoded(content_type: &str, bytes: &[u8]) -> String {
    let (text, ..) = encoding(content_type, bytes).decode(bytes);
    text.into_owned()
}

fn encoding(content_type: &str, bytes: &[u8]) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return encoding;
    }
    let named =
        after_charset(content_type.as_bytes()).or_else(|| after_charset(bytes.get(..LOOKED_THROUGH.min(bytes.len()))?));
    named.unwrap_or_else(|| if readable(bytes) { UTF_8 } else { WINDOWS_1252 })
}

/// Whether bytes are UTF-8, but for a character that is cut at their end.
fn readable(bytes: &[u8]) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(wrong) => wrong.error_len().is_none(),
    }
}

/// The encoding that is named behind the first `charset=`.
fn after_charset(bytes: &[u8]) -> Option<&'static Encoding> {
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    let (_, behind) = text.split_once("charset")?;
    let named = behind.trim_start().strip_prefix('=')?.trim_start().trim_start_matches(['"', '\'']);
    let end = named.find(|c: char| !c.is_ascii_alphanumeric() && !"-_:.+".contains(c)).unwrap_or(named.len());
    Encoding::for_label(named.get(..end)?.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn the_characters_of_a_page_are_read_as_it_says() {
        for (header, bytes, text) in [
            ("text/html; charset=ISO-8859-1", &b"\xe9t\xe9"[..], "été"),
            ("text/html;Charset = \"utf-8\"", "été".as_bytes(), "été"),
            ("text/html", b"<meta charset=windows-1251>\xcf\xf0\xe8", "<meta charset=windows-1251>При"),
            (
                "text/html",
                b"<meta http-equiv=Content-Type content='text/html; charset=gbk'>\xb1\xea",
                "<meta http-equiv=Content-Type content='text/html; charset=gbk'>标",
            ),
            ("text/html; charset=shift_jis", b"\x93\xfa\x96{", "日本"),
            ("text/html", "标题".as_bytes(), "标题"),
            ("text/html", b"\xe9t\xe9", "été"),
            ("text/html; charset=nonsense", "é".as_bytes(), "é"),
            ("text/html; charset=iso-8859-1", b"\xef\xbb\xbf\xc3\xa9", "é"),
            ("", b"\xff\xfeA\0", "A"),
            ("text/html", b"cut \xe6\xa0", "cut \u{fffd}"),
        ] {
            assert_eq!(decoded(header, bytes), text, "{header} {bytes:?}");
        }
    }
}
