//! `[s3]`: the store of files, where `data.files` names a bucket.

use super::{
    Secrecy, Secret,
    key::{Key, text},
};

/// An S3-compatible store.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObjectStore {
    /// Its URL, if it is not AWS.
    pub endpoint: Option<String>,
    /// Its region, if it is not the one that most stores have.
    pub region: Option<String>,
    /// Who asks.
    pub access_key: Option<String>,
    /// With what their requests are signed.
    pub secret_key: Option<Secret>,
    /// Whether the bucket's name stands in the path; if nothing is said, where there is an endpoint.
    pub path_style: Option<bool>,
    /// How the store is to encrypt what it keeps.
    pub encryption: Option<String>,
}

pub(super) fn keys() -> Vec<Key> {
    vec![
        Key::new(
            "s3",
            "endpoint",
            "The store's URL.",
            "http:// or https://, a host and perhaps a port",
            |_, config, input| input.text().and_then(endpoint).map(|url| config.s3.endpoint = Some(url)),
            |_, config| config.s3.endpoint.as_ref().and_then(text),
        )
        .unset("\"https://minio.example.org:9000\"", "AWS in `s3.region`"),
        Key::new(
            "s3",
            "region",
            "The region that requests are signed for. Stores other than AWS mostly take any.",
            "small letters, digits and hyphens",
            |_, config, input| input.text().and_then(region).map(|region| config.s3.region = Some(region)),
            |_, config| config.s3.region.as_ref().and_then(text),
        )
        .unset("\"eu-central-1\"", "us-east-1"),
        Key::new(
            "s3",
            "access_key",
            "Who asks: the id of an access key that may list the bucket, and get, put and delete its objects.",
            "a text without spaces",
            |_, config, input| input.text().and_then(plain).map(|key| config.s3.access_key = Some(key)),
            |_, config| config.s3.access_key.as_ref().and_then(text),
        )
        .unset("\"…\"", "needed for a bucket"),
        Key::new(
            "s3",
            "secret_key",
            "The access key's secret.",
            "a text without spaces",
            |_, config, input| input.text().and_then(plain).map(|key| config.s3.secret_key = Some(Secret::new(key))),
            |_, config| config.s3.secret_key.as_ref().map(|secret| secret.reveal().to_owned().into()),
        )
        .unset("\"…\"", "needed for a bucket")
        .secrecy(Secrecy::Hidden),
        Key::new(
            "s3",
            "path_style",
            "Whether the bucket's name stands in the path of a request, and not before the host's name.",
            "true or false",
            |_, config, input| input.boolean().map(|on| config.s3.path_style = Some(on)),
            |_, config| config.s3.path_style.map(Into::into),
        )
        .unset("true", "true where `s3.endpoint` is set"),
        Key::new(
            "s3",
            "encryption",
            "How the store is asked to encrypt what it keeps.",
            "AES256, aws:kms, or aws:kms=KEY",
            |_, config, input| input.text().and_then(encryption).map(|how| config.s3.encryption = Some(how)),
            |_, config| config.s3.encryption.as_ref().and_then(text),
        )
        .unset("\"AES256\"", "as the bucket is set"),
    ]
}

fn endpoint(url: &str) -> Result<String, String> {
    let url = url.trim().trim_end_matches('/');
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
    let is_good = !rest.is_empty() && !rest.contains(['/', '?', '#', '@', ' ']);
    if is_good { Ok(url.to_owned()) } else { Err("is not the URL of a store".to_owned()) }
}

fn region(name: &str) -> Result<String, String> {
    let is_good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.is_empty() && name.chars().all(is_good) { Ok(name.to_owned()) } else { Err("is no region".to_owned()) }
}

fn plain(key: &str) -> Result<String, String> {
    let key = key.trim();
    let is_good = !key.is_empty() && !key.contains(|c: char| c.is_whitespace() || c.is_control());
    if is_good { Ok(key.to_owned()) } else { Err("is no key".to_owned()) }
}

fn encryption(how: &str) -> Result<String, String> {
    let is_key = |key: &str| !key.is_empty() && key.chars().all(|c| c.is_ascii_graphic());
    match how.split_once('=').unwrap_or((how, "")) {
        ("AES256" | "aws:kms", "") if !how.contains('=') => Ok(how.to_owned()),
        ("aws:kms", key) if is_key(key) => Ok(how.to_owned()),
        _ => Err("is no way to encrypt".to_owned()),
    }
}
