//! The headers of every answer.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use chat::ErrorCode;
use dialects::Dialect;
use engine::Allowance;

use crate::Endpoint;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The content security policy of our own pages: nothing from other sites, nothing inline, and text becomes markup only
/// through the Trusted Types policy with which Svelte makes its templates; by another, the one worker begins, and no
/// other script. What somebody has just recorded is `blob:`.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; \
                   font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; \
                   frame-ancestors 'none'; base-uri 'none'; form-action 'self'; \
                   require-trusted-types-for 'script'; trusted-types svelte-trusted-html palabre-worker";

/// The id of a request in the log.
#[derive(Clone)]
pub(crate) struct RequestId(pub String);

/// Gives a request an id, answers preflights, and adds the security headers to the answer.
pub(crate) async fn dress(State(endpoint): State<Endpoint>, mut request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let allowed = match PagesOrigin::of(request.headers()) {
        PagesOrigin::One(origin) if is_allowed(&endpoint, origin) => Some(origin.clone()),
        _ => None,
    };
    request.extensions_mut().insert(RequestId(id.clone()));
    let preflight = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
        && allowed.is_some();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = if preflight { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    tracing::debug!(request_id = %id, %method, path, status = response.status().as_u16(), "answered a request");
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(self), geolocation=()"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Uploaded files are shown under a policy of their own.
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(CSP));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Some(origin) = allowed {
        share_with(headers, origin);
        if endpoint.dialect.credentials.cookie.is_some() {
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }
    response
}

/// Allows a page of an allowed origin to read the answer.
fn share_with(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin"));
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST, PUT, PATCH, DELETE"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "authorization, content-type, idempotency-key, if-none-match, if-range, range, tus-resumable, upload-checksum, upload-length, upload-metadata, upload-offset, x-http-method-override, x-request-id, x-user-id",
        ),
        (
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            "accept-ranges, content-disposition, content-range, etag, location, ratelimit, ratelimit-policy, retry-after, tus-checksum-algorithm, tus-extension, tus-max-size, tus-resumable, tus-version, upload-expires, upload-length, upload-metadata, upload-offset, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset-after, x-request-id",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "3600"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// The origin of the page that sends a request.
pub(crate) enum PagesOrigin<'a> {
    /// No page sends it, or one that reads from its own site.
    None,
    /// The `Origin` as browsers write it.
    One(&'a HeaderValue),
    /// Several `Origin` lines, which no browser sends. They are refused, because the line that is checked might not be
    /// the line that is used.
    Several,
}

impl<'a> PagesOrigin<'a> {
    pub(crate) fn of(headers: &'a HeaderMap) -> Self {
        let mut lines = headers.get_all(header::ORIGIN).iter();
        match (lines.next(), lines.next()) {
            (None, _) => Self::None,
            (Some(origin), None) => Self::One(origin),
            (Some(_), Some(_)) => Self::Several,
        }
    }
}

/// Whether pages of this origin may connect: it must equal one in the list, whose entries have the form that browsers
/// write.
pub(crate) fn is_allowed(endpoint: &Endpoint, origin: &HeaderValue) -> bool {
    let mut allowed = endpoint.shared.site.allowed_origins.iter().chain(&*endpoint.origins);
    allowed.any(|allowed| allowed.as_bytes() == origin.as_bytes())
}

/// The key of the configuration that allows pages of more origins at this endpoint.
pub(crate) fn origins_key(endpoint: &Endpoint) -> String {
    let dialect = endpoint.dialect;
    let section = if dialect == Dialect::NATIVE { "server" } else { dialect.paths.beside.unwrap_or(dialect.name) };
    format!("{section}.allowed_origins")
}

/// The caller's own request id if it is harmless, otherwise a new one.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(&REQUEST_ID).and_then(|id| id.to_str().ok());
    let harmless = |id: &&str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    match given.filter(harmless) {
        Some(id) => id.to_owned(),
        None => fresh_id(),
    }
}

fn fresh_id() -> String {
    let mut random = [0_u8; 8];
    match getrandom::fill(&mut random) {
        Ok(()) => format!("{:016x}", u64::from_be_bytes(random)),
        Err(_) => "unknown".into(),
    }
}

/// Adds the state of a rate limit: in the IETF draft's fields and in the older ones.
pub(crate) fn rate(headers: &mut HeaderMap, policy: &'static str, allowance: &Allowance) {
    let used = u64::from(allowance.burst - allowance.remaining.min(allowance.burst));
    let reset_ms = used.saturating_mul(allowance.refill_ms);
    let reset = reset_ms.div_ceil(1_000);
    for (name, value) in [
        ("ratelimit-policy", format!("\"{policy}\";q={};w=60", allowance.per_minute)),
        ("ratelimit", format!("\"{policy}\";r={};t={reset}", allowance.remaining)),
        ("x-ratelimit-limit", allowance.burst.to_string()),
        ("x-ratelimit-remaining", allowance.remaining.to_string()),
        ("x-ratelimit-reset-after", format!("{}.{:03}", reset_ms / 1_000, reset_ms % 1_000)),
        ("x-ratelimit-bucket", policy.to_owned()),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// Adds `Retry-After`, in whole seconds, to refusals that are temporary.
pub(crate) fn retry_after(headers: &mut HeaderMap, error: &chat::Error) {
    let heals = matches!(error.code.status(), 429 | 503 | 507);
    if let Some(ms) = error.retry_after_ms.filter(|_| heals)
        && let Ok(value) = HeaderValue::from_str(&((ms.max(0) + 999) / 1_000).to_string())
    {
        headers.insert(header::RETRY_AFTER, value);
        if error.code == ErrorCode::RateLimited {
            headers.insert(HeaderName::from_static("x-ratelimit-remaining"), HeaderValue::from_static("0"));
        }
    }
}
