//! Web Push: how a device is told something while no page of it is open (RFC 8030). A device subscribes at the push
//! service of its browser's maker and gives us the address and its keys; we send an encrypted message there, signed with
//! the server's own key, and the push service wakes the device.
//!
//! This crate makes the request and reads the answer. It does not open connections: a [`Carrier`] carries the request.

mod encryption;
mod vapid;

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use base64::{
    Engine as _,
    engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD},
};
use url::Url;

pub use vapid::Vapid;

/// The longest address of a subscription, in bytes.
pub const ADDRESS_LENGTH: usize = 1_024;
/// For how long a push service keeps what it cannot deliver, in seconds: a day.
pub const KEPT_FOR: u32 = 86_400;
/// The longest pause that a push service may ask for: a day.
const LONGEST_PAUSE: Duration = Duration::from_secs(86_400);
/// The length of a device's public key: an uncompressed point of P-256.
const POINT_LENGTH: usize = 65;
/// The length of a device's authentication secret.
const SECRET_LENGTH: usize = 16;

/// Where a device is reached, and for whom its messages are encrypted.
#[derive(Clone, PartialEq, Eq)]
pub struct Subscription {
    endpoint: Url,
    point: Vec<u8>,
    secret: Vec<u8>,
}

/// The address and the keys are nobody's business.
impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("host", &self.endpoint.host_str()).finish_non_exhaustive()
    }
}

/// The fault of a subscription: the field, and what is allowed there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unacceptable {
    /// The field, by its path in what browsers give.
    pub field: &'static str,
    /// The values that are allowed there.
    pub detail: &'static str,
}

impl Subscription {
    /// Reads a subscription as browsers write it: both keys in base64url.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn read(endpoint: &str, p256dh: &str, auth: &str) -> Result<Self, Unacceptable> {
        let endpoint = read_endpoint(endpoint)?;
        let point = decoded(p256dh).filter(|key| key.len() == POINT_LENGTH && encryption::is_point(key));
        let point = point.ok_or(Unacceptable {
            field: "keys/p256dh",
            detail: "p256dh must be a point of P-256 in uncompressed form: 65 bytes in base64url.",
        })?;
        let secret = decoded(auth).filter(|secret| secret.len() == SECRET_LENGTH);
        let secret =
            secret.ok_or(Unacceptable { field: "keys/auth", detail: "auth must be 16 bytes in base64url." })?;
        Ok(Self { endpoint, point, secret })
    }

    /// The address, as it is compared with others.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.endpoint.as_str()
    }

    /// The device's public key in base64url.
    #[must_use]
    pub fn p256dh(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.point)
    }

    /// The device's authentication secret in base64url.
    #[must_use]
    pub fn auth(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.secret)
    }
}

fn read_endpoint(text: &str) -> Result<Url, Unacceptable> {
    let refuse = |detail| Unacceptable { field: "endpoint", detail };
    if text.len() > ADDRESS_LENGTH {
        return Err(refuse("endpoint must be at most 1,024 bytes long."));
    }
    let endpoint = Url::parse(text).map_err(|_| refuse("endpoint must be an https URL."))?;
    // Whether it may be without TLS, inside a house, the carrier knows.
    if !matches!(endpoint.scheme(), "https" | "http") || endpoint.host_str().is_none() {
        return Err(refuse("endpoint must be an https URL."));
    }
    if !endpoint.username().is_empty() || endpoint.password().is_some() || endpoint.fragment().is_some() {
        return Err(refuse("endpoint must have neither a user nor a fragment."));
    }
    // Percent-encoding may have made it longer.
    if endpoint.as_str().len() > ADDRESS_LENGTH {
        return Err(refuse("endpoint must be at most 1,024 bytes long."));
    }
    Ok(endpoint)
}

/// Some browsers pad, most do not.
fn decoded(text: &str) -> Option<Vec<u8>> {
    // No key is longer than this; what is, is not looked at.
    if text.len() > 2 * POINT_LENGTH {
        return None;
    }
    URL_SAFE_NO_PAD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}

/// How soon a push service should wake a device (RFC 8030, section 5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// When the device is awake, or soon.
    Normal,
    /// At once, also while it saves power.
    High,
}

/// A push for a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushMessage {
    /// The bytes that are encrypted for the device.
    pub payload: Vec<u8>,
    /// The subject: of messages that were not delivered, a push service keeps the last one about a thing. At most
    /// 32 letters and digits.
    pub topic: String,
    /// How soon.
    pub urgency: Urgency,
}

/// A request to a push service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushRequest {
    /// Where it goes.
    pub url: String,
    /// Its headers.
    pub headers: Vec<(&'static str, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

/// The answer of a push service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The value of `Retry-After`, if it has one.
    pub retry_after: Option<String>,
}

/// The future of a request that is carried.
pub type Carried = Pin<Box<dyn Future<Output = Result<PushAnswer, String>> + Send>>;

/// Carries requests to push services: within bounded time and size, to no address that is not public.
pub trait Carrier: Send + Sync {
    /// Carries a request, and returns the answer; or why there is none, for the log. That never names the address.
    fn carry(&self, request: PushRequest) -> Carried;

    /// Refuses an address that is never reached, such as a private one, as far as that can be told without asking for its
    /// host's.
    ///
    /// # Errors
    /// Why, for whoever has given it.
    fn check(&self, url: &str) -> Result<(), String>;
}

/// The outcome of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushOutcome {
    /// The push service has taken it.
    Taken,
    /// The subscription is over (404, 410): the device must be forgotten.
    Over,
    /// It will never be taken (400, 401, 403, 413 …), for this reason.
    Refused(String),
    /// It was not taken now, for this reason; the push service may have said how long to wait.
    Later(String, Option<Duration>),
}

/// Sends messages to devices.
#[derive(Clone)]
pub struct Pusher {
    vapid: Arc<Vapid>,
    carrier: Arc<dyn Carrier>,
}

impl Pusher {
    /// With the server's key, and what carries the requests.
    #[must_use]
    pub fn new(vapid: Vapid, carrier: Arc<dyn Carrier>) -> Self {
        Self { vapid: Arc::new(vapid), carrier }
    }

    /// The server's public key in base64url, which browsers need to subscribe.
    #[must_use]
    pub fn public_key(&self) -> &str {
        self.vapid.public_key()
    }

    /// Refuses a subscription at an address that is never reached.
    ///
    /// # Errors
    /// Why, for whoever has given it.
    pub fn check(&self, to: &Subscription) -> Result<(), String> {
        self.carrier.check(to.endpoint())
    }

    /// Sends a message to a device. `now` is in seconds since 1970.
    pub async fn send(&self, to: &Subscription, message: &PushMessage, now: i64) -> PushOutcome {
        let Ok(request) = self.request(to, message, now) else {
            return PushOutcome::Refused("it cannot be encrypted".into());
        };
        match self.carrier.carry(request).await {
            Ok(answer) => read(&answer),
            Err(why) => PushOutcome::Later(why, None),
        }
    }

    fn request(
        &self,
        to: &Subscription,
        message: &PushMessage,
        now: i64,
    ) -> Result<PushRequest, aws_lc_rs::error::Unspecified> {
        let PushMessage { payload, topic, urgency } = message;
        let body = encryption::encrypt(&to.point, &to.secret, payload)?;
        let urgency = match urgency {
            Urgency::Normal => "normal",
            Urgency::High => "high",
        };
        let headers = vec![
            ("authorization", self.vapid.authorization(&to.endpoint, now)?),
            ("content-encoding", "aes128gcm".into()),
            ("content-type", "application/octet-stream".into()),
            ("ttl", KEPT_FOR.to_string()),
            ("topic", topic.clone()),
            ("urgency", urgency.into()),
        ];
        Ok(PushRequest { url: to.endpoint.as_str().to_owned(), headers, body })
    }
}

fn read(answer: &PushAnswer) -> PushOutcome {
    let status = answer.status;
    match status {
        200..=299 => PushOutcome::Taken,
        404 | 410 => PushOutcome::Over,
        // Redirects are not followed: nobody but the push service that was subscribed to is told anything.
        300..=399 | 400..=407 | 409 | 411..=417 | 421..=424 | 426 | 431 => PushOutcome::Refused(status.to_string()),
        _ => {
            let pause = answer.retry_after.as_deref().and_then(|text| text.trim().parse().ok());
            PushOutcome::Later(status.to_string(), pause.map(|seconds| Duration::from_secs(seconds).min(LONGEST_PAUSE)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINT: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const SECRET: &str = "BTBZMqHH6r4Tts7J_aSIgg";

    fn wrong(endpoint: &str, point: &str, secret: &str) -> &'static str {
        Subscription::read(endpoint, point, secret).expect_err("it is refused").field
    }

    #[test]
    fn a_subscription_is_taken_as_browsers_write_it_and_nothing_else_is() {
        let here = "https://push.example.org/a/b?c=d";
        let good = Subscription::read(here, POINT, SECRET).expect("it is good");
        assert_eq!((good.endpoint(), &*good.p256dh(), &*good.auth()), (here, POINT, SECRET));
        assert!(Subscription::read(here, &format!("{POINT}="), &format!("{SECRET}==")).is_ok(), "padded");
        assert!(!format!("{good:?}").contains("/a/b"));

        let long = |length| format!("https://push.example.org/{}", "a".repeat(length - 25));
        assert!(Subscription::read(&long(ADDRESS_LENGTH), POINT, SECRET).is_ok());
        for endpoint in [
            "",
            "push.example.org",
            "ftp://push.example.org/a",
            "data:text/plain,a",
            "https://user@push.example.org/a",
            "https://push.example.org/a#b",
            &long(ADDRESS_LENGTH + 1),
            &format!("https://push.example.org/{}", "ä".repeat(400)),
        ] {
            assert_eq!(wrong(endpoint, POINT, SECRET), "endpoint", "{endpoint}");
        }
        let off_the_curve = format!("{}A", &POINT[..POINT.len() - 1]);
        for point in ["", "BCVx", "!", &off_the_curve, &POINT.repeat(2), &"A".repeat(87), &"A".repeat(1 << 20)] {
            assert_eq!(wrong(here, point, SECRET), "keys/p256dh");
        }
        for secret in ["", "BTBZMqHH6r4Tts7J_aSI", "BTBZMqHH6r4Tts7J_aSIggg", &"A".repeat(1 << 20)] {
            assert_eq!(wrong(here, POINT, secret), "keys/auth");
        }
    }

    #[test]
    fn an_answer_says_what_has_become_of_a_message() {
        let answer = |status, retry_after: Option<&str>| {
            read(&PushAnswer { status, retry_after: retry_after.map(str::to_owned) })
        };
        for status in [200, 201, 202, 204] {
            assert_eq!(answer(status, None), PushOutcome::Taken);
        }
        for status in [404, 410] {
            assert_eq!(answer(status, None), PushOutcome::Over);
        }
        for status in [301, 400, 401, 403, 413] {
            assert_eq!(answer(status, None), PushOutcome::Refused(status.to_string()));
        }
        let later = |status: u16, seconds: Option<u64>| {
            PushOutcome::Later(status.to_string(), seconds.map(Duration::from_secs))
        };
        assert_eq!(answer(429, Some("120")), later(429, Some(120)));
        assert_eq!(answer(503, Some(" 7 ")), later(503, Some(7)));
        assert_eq!(answer(429, Some("999999999")), later(429, Some(86_400)), "a day at most");
        for (status, retry_after) in [(500, None), (408, None), (429, Some("soon")), (503, Some("-1"))] {
            assert_eq!(answer(status, retry_after), later(status, None));
        }
    }
}
