//! Why a request was not made, or has no answer.

use std::net::IpAddr;

/// Why there is no answer. The texts are for operators; whoever gave the URL learns at most that it did not work, because
/// the difference between "refused", "slow" and "denied" is a map of the network.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum Error {
    /// It is no URL with a host, or longer than 2,048 bytes.
    #[error("this is no URL with a host, or it is too long")]
    Url,
    /// It has a user or a password.
    #[error("a URL must not contain a user or a password")]
    Credentials,
    /// Its scheme is not permitted.
    #[error("the scheme {0} is not permitted")]
    Scheme(String),
    /// Its port is not permitted.
    #[error("port {0} is not permitted")]
    Port(u16),
    /// The name has no address.
    #[error("the name of the host has no address")]
    NoSuchHost,
    /// The address, or one of those that the name has, is special.
    #[error("the address {0} is not one of the public internet: {1}")]
    Denied(IpAddr, &'static str),
    /// None of the addresses could be connected to.
    #[error("the host cannot be connected to")]
    Unreachable,
    /// The certificate or the handshake is not right.
    #[error("the host's TLS is not as it should be: {0}")]
    Tls(String),
    /// It does not speak HTTP as it should, or its headers are too long.
    #[error("the host does not speak HTTP as it should: {0}")]
    Http(String),
    /// There were more redirects than permitted.
    #[error("there were too many redirects")]
    Redirects,
    /// The answer is of another media type than wanted.
    #[error("the answer is {0}, which is not wanted")]
    Media(String),
    /// The answer is compressed although that was not asked for.
    #[error("the answer is encoded as {0}, which was not asked for")]
    Encoded(String),
    /// The answer is longer than its bound.
    #[error("the answer is too long")]
    TooLarge,
    /// There was no whole answer in time.
    #[error("the host took too long")]
    TooSlow,
}
