//! The one client for requests to other servers: link previews, push, and whatever else asks a server that a person named.
//!
//! The name of a host is resolved once. If any of its addresses is special (loopback, private, link-local …), the request
//! is refused; otherwise one of exactly these addresses is connected to. A redirect is a request of its own, by the same
//! rules. There is no proxy, no cookie, no credential and no kept connection; time, headers and body are bounded.
//!
//! [`addresses`] has the ranges, [`allowed`] what an operator allows nevertheless, [`target`] what is checked of a URL,
//! [`resolver`] who resolves names, [`exchange`] one request and its answer.

mod addresses;
mod allowed;
mod error;
mod exchange;
mod resolver;
mod target;
mod trust;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
pub use hyper::{HeaderMap, StatusCode, header};
use hyper::{Method, header::HeaderValue};
use tokio::sync::Semaphore;
pub use url::Url;

pub use crate::{
    addresses::{Special, special},
    allowed::{Allowed, NotAllowed},
    error::Error,
    resolver::{Resolver, Resolving, SystemResolver},
};
use crate::{exchange::Request, target::Target, trust::Trust};

/// Requests under way at once, whoever makes them: further ones wait, within their own time.
const AT_ONCE: usize = 64;

/// How the client is set up.
pub struct OutgoingConfig {
    /// The sender's name in every request, such as `palabre/1.0 (+https://chat.example.org)`.
    pub user_agent: String,
    /// Destinations that may be asked although their address is special or their port unusual.
    pub allowed: Vec<Allowed>,
    /// Resolves names; [`SystemResolver`] but for tests.
    pub resolver: Arc<dyn Resolver>,
}

impl OutgoingConfig {
    /// Resolves names as the machine does.
    #[must_use]
    pub fn new(user_agent: impl Into<String>, allowed: Vec<Allowed>) -> Self {
        Self { user_agent: user_agent.into(), allowed, resolver: Arc::new(SystemResolver::default()) }
    }
}

/// The treatment of a body that is longer than its bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlong {
    /// The request fails with [`Error::TooLarge`].
    Refused,
    /// The answer has the beginning, and says so by [`Answer::is_cut`].
    Cut,
}

/// The bounds of a request: its cost, and where it may go.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Whether `http` is permitted beside `https`. Allowed targets may have either in any case.
    pub plain: bool,
    /// The ports that a URL may have. Allowed targets may have any.
    pub ports: &'static [u16],
    /// For connecting to one address, the TLS handshake included.
    pub connect: Duration,
    /// For everything, from the first name to the last byte, redirects included.
    pub whole: Duration,
    /// Bytes of the body.
    pub body: usize,
    /// The treatment of a longer one.
    pub overlong: Overlong,
    /// Redirects that are followed. A request with a body follows none: the redirect is its answer.
    pub redirects: u8,
    /// The media types of an answer whose body is wanted, such as `text/html`, or `image/` for all images; all, if there
    /// are none. A body of another type is not read: [`Error::Media`]. Only successful answers are judged.
    pub media: &'static [&'static str],
}

impl Bounds {
    /// For pages and what belongs to them: `http` and `https` at their usual ports, up to three redirects.
    #[must_use]
    pub const fn web(body: usize, overlong: Overlong, media: &'static [&'static str]) -> Self {
        Self {
            plain: true,
            ports: &[80, 443],
            connect: Duration::from_secs(4),
            whole: Duration::from_secs(10),
            body,
            overlong,
            redirects: 3,
            media,
        }
    }

    /// For calls that another server has given us an address for: `https` at ports 443 and 8443, no redirect, and answers
    /// of at most 64 KiB.
    #[must_use]
    pub const fn call() -> Self {
        Self {
            plain: false,
            ports: &[443, 8443],
            connect: Duration::from_secs(5),
            whole: Duration::from_secs(15),
            body: 65_536,
            overlong: Overlong::Cut,
            redirects: 0,
            media: &[],
        }
    }
}

/// The answer to a request.
#[derive(Debug)]
pub struct Answer {
    /// The URL that has answered, after redirects.
    pub url: Url,
    /// Its status, which may be an error's.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, as long as the bounds permit.
    pub body: Bytes,
    /// Whether there was more of the body.
    pub is_cut: bool,
}

impl Answer {
    /// A header as text, if it is there and is text.
    #[must_use]
    pub fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// The client. It is cheap to clone.
#[derive(Clone)]
pub struct Outgoing {
    parts: Arc<Parts>,
}

struct Parts {
    user_agent: HeaderValue,
    allowed: Vec<Allowed>,
    resolver: Arc<dyn Resolver>,
    trust: Trust,
    places: Semaphore,
}

impl Outgoing {
    /// A client. Certificate authorities are read from the machine when the first `https` request is made.
    #[must_use]
    pub fn new(config: OutgoingConfig) -> Self {
        let OutgoingConfig { user_agent, allowed, resolver } = config;
        let user_agent = HeaderValue::from_str(&user_agent).unwrap_or(HeaderValue::from_static("palabre"));
        let places = Semaphore::new(AT_ONCE);
        Self { parts: Arc::new(Parts { user_agent, allowed, resolver, trust: Trust::default(), places }) }
    }

    /// Checks what can be checked of a URL without asking anybody: its form, scheme and port, and its address if it has a
    /// number in the place of a name.
    ///
    /// # Errors
    ///
    /// As [`Outgoing::get`].
    pub fn check(&self, url: &str, bounds: &Bounds) -> Result<Url, Error> {
        let target = Target::parse(url)?;
        if let Some(address) = target.literal() {
            target.judge(&[address], &self.parts.allowed, bounds)?;
        } else if self.parts.allowed.is_empty() {
            target.judge_form(bounds)?;
        }
        Ok(target.url)
    }

    /// Asks for a URL, following redirects.
    ///
    /// `headers` may say what is preferred (`Accept`, `Accept-Language`); they go along with redirects.
    ///
    /// # Errors
    ///
    /// If the URL may not be asked, or there was no answer within the bounds. An answer with an error's status is an answer.
    pub async fn get(&self, url: &str, headers: HeaderMap, bounds: &Bounds) -> Result<Answer, Error> {
        within(bounds, self.follow(url, headers, bounds)).await
    }

    /// Gives a URL a body. Redirects are not followed: they are the answer.
    ///
    /// # Errors
    ///
    /// As [`Outgoing::get`].
    pub async fn post(&self, url: &str, headers: HeaderMap, body: Bytes, bounds: &Bounds) -> Result<Answer, Error> {
        within(bounds, async {
            let _place = self.parts.places.acquire().await;
            self.ask(Target::parse(url)?, Request { method: Method::POST, headers, body }, bounds).await
        })
        .await
    }

    async fn follow(&self, url: &str, headers: HeaderMap, bounds: &Bounds) -> Result<Answer, Error> {
        // An error would mean that the semaphore was closed, which nobody does.
        let _place = self.parts.places.acquire().await;
        let mut target = Target::parse(url)?;
        for _redirect in 0..=bounds.redirects {
            let request = Request { method: Method::GET, headers: headers.clone(), body: Bytes::new() };
            let answer = self.ask(target, request, bounds).await?;
            match next(&answer) {
                Some(location) => target = Target::parse(answer.url.join(location).map_err(|_| Error::Url)?.as_str())?,
                None => return Ok(answer),
            }
        }
        Err(Error::Redirects)
    }

    /// One request: resolves, judges, connects to what was judged, asks.
    async fn ask(&self, target: Target, mut request: Request, bounds: &Bounds) -> Result<Answer, Error> {
        let addresses = match target.literal() {
            Some(address) => vec![address],
            None => {
                // A URL that is wrong whatever its addresses are need not be resolved.
                if self.parts.allowed.is_empty() {
                    target.judge_form(bounds)?;
                }
                self.parts.resolver.resolve(target.host()).await.map_err(|_| Error::NoSuchHost)?
            }
        };
        target.judge(&addresses, &self.parts.allowed, bounds)?;
        request.headers.insert(header::USER_AGENT, self.parts.user_agent.clone());
        exchange::exchange(&target, &addresses, request, &self.parts.trust, bounds).await
    }
}

async fn within<T>(bounds: &Bounds, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::time::timeout(bounds.whole, work).await.unwrap_or(Err(Error::TooSlow))
}

/// Where an answer sends us.
fn next(answer: &Answer) -> Option<&str> {
    let moved = [
        StatusCode::MOVED_PERMANENTLY,
        StatusCode::FOUND,
        StatusCode::SEE_OTHER,
        StatusCode::TEMPORARY_REDIRECT,
        StatusCode::PERMANENT_REDIRECT,
    ];
    if moved.contains(&answer.status) { answer.header(header::LOCATION) } else { None }
}
