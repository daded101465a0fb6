//! Signatures of requests: AWS Signature Version 4, in the `Authorization` header, over everything that matters of a
//! request and the hash of its body.

use std::fmt::Write as _;

use aws_lc_rs::{digest, hmac};
use jiff::{Timestamp, tz::TimeZone};

/// Who asks, and with what they sign.
pub(super) struct Key {
    pub access: String,
    pub secret: String,
    pub region: String,
}

/// The parts of a request that are signed.
pub(super) struct What<'a> {
    pub method: &'a str,
    /// Encoded, as it is asked for.
    pub path: &'a str,
    /// As [`query`] makes it.
    pub query: &'a str,
    /// All of them, by their names in small letters, in their order.
    pub headers: &'a [(&'a str, String)],
    /// Of the body.
    pub hash: &'a str,
}

/// A moment in the form that the signature wants: `20130524T000000Z`.
pub(super) fn date(now: Timestamp) -> String {
    now.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// The value of the header.
pub(super) fn authorization(key: &Key, date: &str, what: &What<'_>) -> String {
    let names: Vec<&str> = what.headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let mut request = format!("{}\n{}\n{}\n", what.method, what.path, what.query);
    for (name, value) in what.headers {
        // Writing to a text does not fail.
        let _written = writeln!(request, "{name}:{}", value.trim());
    }
    let _written = write!(request, "\n{names}\n{}", what.hash);
    let day = date.get(..8).unwrap_or_default();
    let scope = format!("{day}/{}/s3/aws4_request", key.region);
    let hash = hex(digest::digest(&digest::SHA256, request.as_bytes()).as_ref());
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{hash}");
    let steps = [day, &key.region, "s3", "aws4_request", &text];
    let signature = steps.iter().fold(format!("AWS4{}", key.secret).into_bytes(), |key, step| mac(&key, step));
    format!("AWS4-HMAC-SHA256 Credential={}/{scope},SignedHeaders={names},Signature={}", key.access, hex(&signature))
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

/// A query in the order and the form in which it is signed, and asked.
pub(super) fn query(pairs: &[(&str, String)]) -> String {
    let mut pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", encoded(name, false), encoded(value, false))).collect();
    pairs.sort_unstable();
    pairs.join("&")
}

/// A text as it stands in a path, where slashes stay, or in a query.
pub(super) fn encoded(text: &str, is_path: bool) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        let is_plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (is_path && byte == b'/');
        if is_plain {
            out.push(char::from(byte));
        } else {
            let _written = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// Bytes in hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _written = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key and the bucket of the examples in AWS's documentation of the signature.
    fn signature(method: &str, path: &str, query: &str, further: &[(&'static str, &str)], hash: &str) -> String {
        let key = Key {
            access: "AKIAIOSFODNN7EXAMPLE".into(),
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
            region: "us-east-1".into(),
        };
        let date = date("2013-05-24T00:00:00Z".parse().unwrap());
        let mut headers: Vec<(&str, String)> = further.iter().map(|(name, value)| (*name, (*value).into())).collect();
        headers.push(("host", "examplebucket.s3.amazonaws.com".into()));
        headers.push(("x-amz-content-sha256", hash.into()));
        headers.push(("x-amz-date", date.clone()));
        headers.sort_unstable();
        let signed = authorization(&key, &date, &What { method, path, query, headers: &headers, hash });
        assert!(signed.contains("Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"), "{signed}");
        signed.rsplit_once("Signature=").unwrap().1.to_owned()
    }

    #[test]
    fn requests_are_signed_as_in_the_published_examples() {
        let nothing = super::super::NOTHING;
        assert_eq!(
            signature("GET", "/test.txt", "", &[("range", "bytes=0-9")], nothing),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        );
        let put = [("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")];
        assert_eq!(
            signature(
                "PUT",
                &encoded("/test$file.text", true),
                "",
                &put,
                "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"
            ),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
        );
        assert_eq!(
            signature("GET", "/", &query(&[("lifecycle", String::new())]), &[], nothing),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
        );
        let list = query(&[("prefix", "J".to_owned()), ("max-keys", "2".to_owned())]);
        assert_eq!(
            signature("GET", "/", &list, &[], nothing),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
        );
    }

    #[test]
    fn only_what_a_signature_leaves_plain_is_plain() {
        assert_eq!(encoded("a/b é~+=&", true), "a/b%20%C3%A9~%2B%3D%26");
        assert_eq!(encoded("a/b", false), "a%2Fb");
        assert_eq!(query(&[("b", "2 ".into()), ("a", String::new())]), "a=&b=2%20");
    }
}
