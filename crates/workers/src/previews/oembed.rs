//! oEmbed, of which only what can be shown as text counts. The HTML that it may have is for embedding, which nobody does
//! here.

use serde::Deserialize;

/// The fields of an oEmbed.
#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub(super) struct Said {
    pub(super) title: Option<String>,
    pub(super) provider_name: Option<String>,
    pub(super) author_name: Option<String>,
    pub(super) thumbnail_url: Option<String>,
}

/// Reads one; nothing if it is none. JSON that nests too deep is none.
pub(super) fn read(bytes: &[u8]) -> Option<Said> {
    serde_json::from_slice(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_oembed_is_none() {
        let good =
            br#"{"version":"1.0","type":"video","title":"A film","provider_name":"Films","html":"<script>","width":3}"#;
        let said = read(good).expect("one");
        assert_eq!((said.title.as_deref(), said.provider_name.as_deref()), (Some("A film"), Some("Films")));
        assert_eq!(read(b"{}"), Some(Said::default()));
        let deep = format!("{{\"title\":\"a\",\"x\":{}", "[".repeat(100_000));
        for wrong in [&b""[..], b"null", b"{\"title\":3}", b"<xml>", b"{\"title\":\"\xff\"}", deep.as_bytes()] {
            assert_eq!(read(wrong), None, "{:?}", wrong.get(..20));
        }
    }
}
