//! The target of a request, and whether it is allowed.

use std::net::IpAddr;

use url::{Host, Position, Url};

use crate::{Allowed, Bounds, Error, special};

/// Bytes of a URL.
const LONGEST: usize = 2_048;

/// A URL with a host, without credentials and without a fragment.
pub(crate) struct Target {
    pub(crate) url: Url,
    host: Host<String>,
    /// The host as names are resolved and compared: in punycode, a number in its usual form, without brackets.
    name: String,
    port: u16,
}

impl Target {
    /// Reads a URL as browsers do: a number in the place of a name may be decimal, octal or hexadecimal, and becomes the
    /// address that it means.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > LONGEST {
            return Err(Error::Url);
        }
        let mut url = Url::parse(text).map_err(|_| Error::Url)?;
        if !["http", "https"].contains(&url.scheme()) {
            return Err(Error::Scheme(url.scheme().chars().take(20).collect()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::Credentials);
        }
        url.set_fragment(None);
        let host = url.host().ok_or(Error::Url)?.to_owned();
        let name = match &host {
            Host::Domain(name) => name.clone(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        let port = url.port_or_known_default().ok_or(Error::Url)?;
        if name.is_empty() || name.len() > 254 || url.as_str().len() > LONGEST {
            return Err(Error::Url);
        }
        Ok(Self { url, host, name, port })
    }

    pub(crate) fn host(&self) -> &str {
        &self.name
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The address, if the URL has one in the place of a name.
    pub(crate) fn literal(&self) -> Option<IpAddr> {
        match self.host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
        }
    }

    /// The path and the query of the URL.
    pub(crate) fn path(&self) -> &str {
        &self.url[Position::BeforePath..Position::AfterQuery]
    }

    /// The value of the header `Host`.
    pub(crate) fn authority(&self) -> &str {
        &self.url[Position::BeforeHost..Position::AfterPort]
    }

    /// Whether scheme and port are permitted, wherever it is.
    pub(crate) fn judge_form(&self, bounds: &Bounds) -> Result<(), Error> {
        if !self.is_secure() && !bounds.plain {
            return Err(Error::Scheme("http".to_owned()));
        }
        if bounds.ports.contains(&self.port) { Ok(()) } else { Err(Error::Port(self.port)) }
    }

    /// Whether it may be asked at these addresses. One special address among good ones is enough to refuse it: a name that
    /// has both is there to try.
    pub(crate) fn judge(&self, addresses: &[IpAddr], allowed: &[Allowed], bounds: &Bounds) -> Result<(), Error> {
        if addresses.is_empty() {
            return Err(Error::NoSuchHost);
        }
        if allowed.iter().any(|entry| entry.allows(&self.name, self.port, addresses)) {
            return Ok(());
        }
        self.judge_form(bounds)?;
        let denied = addresses.iter().find_map(|address| special(*address).map(|why| Error::Denied(*address, why)));
        denied.map_or(Ok(()), Err)
    }
}
