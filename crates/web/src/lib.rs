//! The web client's files, as `clients/web` was built when this program was: in the program, compressed. Knows nobody;
//! `connect` serves them.

/// A file of the web client.
pub struct File {
    /// Where it is asked for, such as `/assets/index-4f1c.js`.
    pub path: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// Changes with its content; the same for all encodings.
    pub etag: &'static str,
    /// Its bytes.
    pub plain: &'static [u8],
    /// The same with brotli, if that is smaller.
    pub brotli: Option<&'static [u8]>,
    /// The same with gzip, if that is smaller.
    pub gzip: Option<&'static [u8]>,
}

/// All files, by path. None if the client had not been built.
pub static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// The page that is shown in the place of a client that had not been built.
static NOT_BUILT: File = File {
    path: "/",
    media_type: "text/html; charset=utf-8",
    etag: concat!("W/\"not-built-", env!("CARGO_PKG_VERSION"), "\""),
    plain: include_bytes!("not_built.html"),
    brotli: None,
    gzip: None,
};

/// The file that is asked for under this path.
#[must_use]
pub fn find(path: &str) -> Option<&'static File> {
    FILES.binary_search_by(|file| file.path.cmp(path)).ok().and_then(|at| FILES.get(at))
}

/// Whether the client had been built.
#[must_use]
pub fn is_built() -> bool {
    !FILES.is_empty()
}

/// The page that is the client, or the one that tells how to get it.
#[must_use]
pub fn client() -> &'static File {
    find("/index.html").unwrap_or(&NOT_BUILT)
}

/// The page that is the playground; absent if this client has none.
#[must_use]
pub fn playground() -> Option<&'static File> {
    find("/play.html").or((!is_built()).then_some(&NOT_BUILT))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn every_file_is_found_by_its_path_and_nothing_else_is() {
        for file in FILES {
            assert!(find(file.path).is_some_and(|found| std::ptr::eq(found, file)), "{}", file.path);
            assert!(file.brotli.is_none_or(|small| small.len() < file.plain.len()), "{}", file.path);
            assert!(file.gzip.is_none_or(|small| small.len() < file.plain.len()), "{}", file.path);
            assert!(find(&format!("{}x", file.path)).is_none() && find(&file.path[1..]).is_none(), "{}", file.path);
        }
        assert!(find("/").is_none() && find("").is_none());
        assert_eq!(is_built(), find("/index.html").is_some());
        assert!(client().media_type.starts_with("text/html") && !client().plain.is_empty());
    }

    #[test]
    fn compressed_files_are_the_same_files() {
        for file in FILES {
            for (mut reader, coding) in [
                (file.brotli.map(|b| Box::new(brotli::Decompressor::new(b, 4_096)) as Box<dyn Read>), "brotli"),
                (file.gzip.map(|b| Box::new(flate2::read::GzDecoder::new(b)) as Box<dyn Read>), "gzip"),
            ] {
                let Some(reader) = &mut reader else { continue };
                let mut bytes = Vec::new();
                reader.read_to_end(&mut bytes).unwrap();
                assert!(bytes == file.plain, "{} with {coding}", file.path);
            }
        }
    }

    #[test]
    fn who_has_no_client_is_told_in_both_languages() {
        let page = std::str::from_utf8(NOT_BUILT.plain).unwrap();
        for words in ["was not built", "n’a pas été compilé", "cargo xtask run", "Node 20"] {
            assert!(page.contains(words), "{words}");
        }
        assert!(!page.contains("<style") && !page.contains("<script"), "the policy would forbid it");
    }
}
