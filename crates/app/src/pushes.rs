//! The way to push services: every request goes through the one client for requests to other servers, and the key that
//! signs them follows from the key that signs tokens.

use std::sync::Arc;

use anyhow::Context as _;
use engine::Pushing;
use outgoing::{
    Bounds, HeaderMap, Outgoing,
    header::{HeaderName, HeaderValue, RETRY_AFTER},
};
use push::{Carried, Carrier, PushAnswer, PushRequest, Pusher, Vapid};

use crate::{config::Config, parts, secrets};

/// How people are told on their devices, if they are.
///
/// # Errors
/// The key that signs tokens cannot be read or made.
pub fn pushing(config: &Config) -> anyhow::Result<Option<Pushing>> {
    if !config.push.enabled {
        return Ok(None);
    }
    let https = config.server.public_url.as_deref().filter(|url| url.starts_with("https://"));
    let contact = config.push.contact.as_deref().or(https);
    let vapid = Vapid::from_secret(&secrets::signing_key(config)?, contact);
    let vapid = vapid.ok().context("no key for push services follows from the key that signs tokens")?;
    let address = config.server.public_url.as_deref().unwrap_or_default();
    let courier = Courier { outgoing: parts::outgoing(config, address) };
    let push = Pusher::new(vapid, Arc::new(courier));
    Ok(Some(Pushing { push, wait: config.push.wait_seconds * 1_000 }))
}

struct Courier {
    outgoing: Outgoing,
}

impl Carrier for Courier {
    fn carry(&self, request: PushRequest) -> Carried {
        let outgoing = self.outgoing.clone();
        Box::pin(async move {
            let PushRequest { url, headers, body } = request;
            let headers = headers_of(headers).ok_or("a header that is none")?;
            let answer = outgoing.post(&url, headers, body.into(), &Bounds::call()).await;
            let answer = answer.map_err(|error| error.to_string())?;
            let retry_after = answer.header(RETRY_AFTER).map(str::to_owned);
            Ok(PushAnswer { status: answer.status.as_u16(), retry_after })
        })
    }

    fn check(&self, url: &str) -> Result<(), String> {
        let checked = self.outgoing.check(url, &Bounds::call());
        // Why not, whoever has given the address does not learn: that would be a map of the network.
        let checked = checked.map_err(|_| "endpoint must be an https URL at a public address.".to_owned())?;
        let is_name = checked.domain().is_some();
        if is_name && checked.scheme() != "https" {
            return Err("endpoint must be an https URL at a public address.".to_owned());
        }
        Ok(())
    }
}

fn headers_of(headers: Vec<(&'static str, String)>) -> Option<HeaderMap> {
    let header = |(name, value): (&'static str, String)| {
        Some((HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?))
    };
    headers.into_iter().map(header).collect()
}
